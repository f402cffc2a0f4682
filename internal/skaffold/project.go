package skaffold

import (
	"path"
	"strings"
)

// Position is where something stands: a path in the file system that was read, and a line and a column from 1. Line is
// 0 for what nothing is written about.
type Position struct {
	File         string
	Line, Column int
}

// Project is what a dev loop carries out. All modules of a skaffold.yaml, and those that it requires, are in it; all
// profiles are applied, all defaults filled in, and all templates but those of tags are carried out.
//
// Paths are slash-separated and relative to the root of the file system that was read; "." is that root itself.
type Project struct {
	// Name is metadata.name of the first module, name of a cyan.yaml, or the name of the folder.
	Name string
	// File is the file that was asked for; "" when there was none and the folder was looked at.
	File string
	// Files are all files that the project was read from, and those that were looked for and not there; it has to be
	// read anew when one of them changes.
	Files []string
	// Profiles are those that were applied, in order.
	Profiles []Profile
	// Artifacts are the images to build, each behind those that it depends on.
	Artifacts []Artifact
	Manifests Manifests
	Forwards  []Forward
	// ForwardServices is set when every port of every Service is forwarded too.
	ForwardServices bool
	Deploy          Deploy
	// Hooks run on this machine, before and after all images are built.
	Hooks Hooks
	// Verifications judge what is deployed, when somebody asks for that.
	Verifications []Verification
	// Env are the variables of a skaffold.env beside the working directory, where the environment has not got them.
	Env map[string]string
}

// Profile is a profile that was applied, and why.
type Profile struct {
	Name   string
	Module string
	// Reason is for a reader: "-p local", or the activation that matched.
	Reason string
}

// Artifact is an image that is built. One of Docker, Go and Custom is set.
type Artifact struct {
	// Image is the name that manifests call it, without tag and digest. No two artifacts have the same.
	Image string
	// Module is metadata.name of the document that it stands in; it may be empty.
	Module string
	// Context is the folder that is built.
	Context string
	Docker  *Docker
	Go      *Go
	Custom  *Custom
	// DependsOn are other artifacts of the project, which are built first.
	DependsOn []Dependency
	// Platforms are os/arch; none is that of the cluster's nodes.
	Platforms []string
	Tagger    Tagger
	Sync      Sync
	// Unpushed is set when a file has images built and not pushed, which concerns those who only build.
	Unpushed bool
	// Hooks run on this machine, before and after it is built.
	Hooks Hooks
	// Tests judge it once it is built.
	Tests []Test
	// InsecureRegistries are host:port of registries that are spoken to over plain HTTP.
	InsecureRegistries []string
	Position           Position
}

// DockerfileFromContext returns the path of the Dockerfile from the folder that is built, which it may be outside of.
func (a Artifact) DockerfileFromContext() string {
	file, folder := path.Clean(a.Docker.Dockerfile), path.Clean(a.Context)
	if folder == "." {
		return file
	}
	if inside, ok := strings.CutPrefix(file, folder+"/"); ok {
		return inside
	}
	return strings.Repeat("../", 1+strings.Count(folder, "/")) + file
}

// Docker is an image that a Dockerfile describes.
type Docker struct {
	// Dockerfile is a path in the file system that was read, as a Context is.
	Dockerfile string
	// Target is the stage that is built; "" is the last one.
	Target string
	// BuildArgs are the values of ARGs. One without a value is taken from the environment, and is missing here when the
	// environment has not got it.
	BuildArgs map[string]string
	// Templates are the values of those that ask for what the image is called; Args carries them out, with env.
	Templates map[string]string
	env       map[string]string
	// Labels are added to the image.
	Labels map[string]string
	// Network and Hosts (NAME:IP) are those of the containers in which it is built.
	Network string
	Hosts   []string
	// Secrets and SSH are given to the builder and are not in the image.
	Secrets []Secret
	SSH     string
	// Fresh builds every layer anew, and Pull looks for newer base images.
	Fresh, Pull bool
	// Flags are given to the docker program, or to one that takes the same.
	Flags []string
}

// Secret is what a builder gets by the name ID: the contents of a file, or the value of a variable.
type Secret struct {
	ID, Src, Env string
}

// Go is an image of a Go main package.
type Go struct {
	// Dir is the folder of the module, and Main the package in it, such as ./cmd/app; "" finds the only one.
	Dir, Main string
	Labels    map[string]string
	// From is the image that it stands on; "" is none.
	From string
	// Flags and LinkerFlags are those of the compiler and the linker, and Env KEY=VALUE that they get.
	Flags, LinkerFlags, Env []string
}

// Dependency is an artifact that another is built upon.
type Dependency struct {
	Image string
	// Alias is the build argument by which the Dockerfile names it.
	Alias string
}

// Sync is what is copied into running containers instead of being built. Without any rule, everything is built.
// Patterns are matched against paths relative to the artifact's context, with ** for any folders.
type Sync struct {
	Manual []SyncRule
	// Infer are patterns of files whose places follow from ADD and COPY in the last stage of the Dockerfile.
	Infer []string
	Hooks Hooks
}

// Any reports whether there is a rule.
func (s Sync) Any() bool { return len(s.Manual)+len(s.Infer) > 0 }

// SyncRule is where files go. The destination is Dest, joined with the path of the file without Strip; a relative Dest
// is in the image's working directory.
type SyncRule struct {
	Src, Dest, Strip string
}

// Hooks are commands around a step.
type Hooks struct {
	Before, After []Hook
}

// Any reports whether there is a command.
func (h Hooks) Any() bool { return len(h.Before)+len(h.After) > 0 }

// Hook is a command of a person's file. One on this machine is run after its consent only.
type Hook struct {
	Command []string
	// Container is set when it runs in containers of the image, rather than on this machine. Pods and Containers are
	// patterns of their names; "" is any.
	Container  bool
	Pods       string
	Containers string
	// OS are those of Go (linux, darwin, windows) where it runs; none is all.
	OS []string
	// Dir is where it runs on this machine.
	Dir      string
	Position Position
}

// Policy is what a tag is made of.
type Policy string

// The policies of tags.
const (
	GitCommit      Policy = "gitCommit"
	SHA256         Policy = "sha256"
	EnvTemplate    Policy = "envTemplate"
	DateTime       Policy = "dateTime"
	InputDigest    Policy = "inputDigest"
	CustomTemplate Policy = "customTemplate"
)

// Tagger makes the tag of an image. Images are deployed by digest whatever their tag is.
type Tagger struct {
	Policy Policy
	// Variant is that of GitCommit: Tags, CommitSha, AbbrevCommitSha, TreeSha or AbbrevTreeSha; Prefix goes before it.
	Variant, Prefix string
	// IgnoreChanges leaves -dirty out.
	IgnoreChanges bool
	// Template is that of EnvTemplate and CustomTemplate.
	Template string
	// Format is that of DateTime, in Go's form, and Timezone a name of the tz database, or Local.
	Format, Timezone string
	// Components are those of CustomTemplate, by the names that its template uses.
	Components map[string]Tagger
	Position   Position
}

// Manifests are what is deployed.
type Manifests struct {
	Kustomize []Kustomization
	Raw       []Raw
	Hooks     Hooks
}

// Kustomization is a folder with a kustomization.
type Kustomization struct {
	Path string
	// Namespace is for objects that name none; "" is that of the deployment.
	Namespace string
	Position  Position
}

// Raw is a file of manifests, or a pattern of such files as path.Match has it; a folder that it matches stands for all
// files below.
type Raw struct {
	Pattern string
	// Namespace is for objects that name none; "" is that of the deployment.
	Namespace string
	Position  Position
}

// Forward is a port of this machine that leads to one in the cluster.
type Forward struct {
	// Type is a kind in lower case, such as service, pod, deployment or rollout.
	Type, Name string
	// Namespace is "" for that of the deployment.
	Namespace string
	// Port is a number, or the name of a port.
	Port string
	// LocalPort is 0 for the same number as Port, or a free one.
	LocalPort int
	// Address is where this machine listens.
	Address  string
	Position Position
}

// Deploy is how manifests get into the cluster.
type Deploy struct {
	// Namespace is for objects that name none; "" leaves it to who runs the loop.
	Namespace string
	// KubeContext is the context that a file asks for; "" is the current one.
	KubeContext string
	// StatusCheck is false when a file switches it off.
	StatusCheck bool
	// StatusCheckSeconds is how long objects may take to become ready.
	StatusCheckSeconds int
	// Tolerates is set when what fails meanwhile may still become ready.
	Tolerates bool
	// LogPrefix is how lines of logs begin: container, podAndContainer, auto or none.
	LogPrefix string
	Hooks     Hooks
}
