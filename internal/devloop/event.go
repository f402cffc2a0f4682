package devloop

import "time"

// Kind is what an Event is about.
type Kind string

// The kinds of events.
const (
	// Began is when the loop has its namespace: Text names the project and where it runs.
	Began Kind = "began"
	// Changed begins a round: Text names the files, Saved is when the first of them was noticed.
	Changed Kind = "changed"
	// Building, Built and BuildFailed are about the image of an artifact.
	Building    Kind = "building"
	Built       Kind = "built"
	BuildFailed Kind = "build failed"
	// Refused is a round that ends before anything is built or applied: manifests are invalid, or an image is used
	// nowhere.
	Refused Kind = "refused"
	// Deployed is when everything is applied, DeployFailed when it is not.
	Deployed     Kind = "deployed"
	DeployFailed Kind = "deploy failed"
	// Synced is when files are in the running containers, SyncFailed when they are not.
	Synced     Kind = "synced"
	SyncFailed Kind = "sync failed"
	// Waiting is what new pods wait for; Ready is when all of them are ready, and NotReady why they are not.
	Waiting  Kind = "waiting"
	Ready    Kind = "ready"
	NotReady Kind = "not ready"
	// Forwarded is a port of this machine that leads into the cluster.
	Forwarded Kind = "forwarded"
	// Debugging is a port of this machine by which a debugger connects to the program of Artifact; Text has the settings
	// of editors.
	Debugging Kind = "debugging"
	// Log is a line of a container, and Output one of a build.
	Log    Kind = "log"
	Output Kind = "output"
	// Note is something to know.
	Note Kind = "note"
	// Idle is when the loop waits for changes.
	Idle Kind = "idle"
	// Removed is what was taken away at the end.
	Removed Kind = "removed"
)

// Event is something that has happened, for whoever shows it.
type Event struct {
	Kind Kind
	// Round counts the rounds from 1; 0 outside of them.
	Round int
	// Artifact is the image that it is about; Pod and Container are those of a log.
	Artifact, Pod, Container string
	// Prefix is how a line of a log begins, as deploy.logs.prefix has it: container, podAndContainer, none or auto.
	Prefix string
	// Old is set for a log of a pod that another has taken the place of.
	Old bool
	// Text is for a reader, without a line feed at its end; it may have several lines.
	Text string
	// Took is how long it took, and Total how long since the change was noticed. Compiled and Pushed are the parts of Took
	// that went into the compiler and the registry.
	Took, Compiled, Pushed, Total time.Duration
	// Address is where a forwarded port is on this machine.
	Address string
	Err     error
}
