package delivery

import (
	"fmt"
	"path"
	"strings"

	"github.com/cyan-cd/cyan/internal/problem"
	"github.com/cyan-cd/cyan/internal/spelling"
)

// Order is how a source commit stands to the one that is deployed.
type Order string

// The values of Order.
const (
	// First: nothing was delivered there before.
	First Order = "First"
	// Newer: it stands on the deployed one.
	Newer Order = "Newer"
	// Same: it is the deployed one.
	Same Order = "Same"
	// Older: the deployed one stands on it.
	Older Order = "Older"
	// Unrelated: neither stands on the other, or the deployed one is gone from the history.
	Unrelated Order = "Unrelated"
)

// Try is what was gathered on one tip of the branch.
type Try struct {
	// Mark is what the commit would carry.
	Mark Mark
	// Deployed is the newest mark of the same target on the tip, and Order how Mark's source commit stands to its.
	Deployed Mark
	Order    Order
	// Changed: setting the image changes the kustomization. What follows is only gathered then.
	Changed bool
	// Used: an object that the overlay renders with the change uses the image. Images are those that they use.
	Used   bool
	Images []string
	// Named: whoever delivers has given the name that the manifests use, and so means that one alone.
	Named bool
	// Findings are what keeps the rendered objects from being applied, a line each.
	Findings []string
}

// Verdict is what to do on that tip.
type Verdict string

// The values of Verdict.
const (
	// Commit the change.
	Commit Verdict = "Commit"
	// Nothing to do: the overlay has the image already.
	Nothing Verdict = "Nothing"
	// Stale: a newer commit is deployed, so this run stops.
	Stale Verdict = "Stale"
	// Unused: the image would be deployed nowhere.
	Unused Verdict = "Unused"
	// Partial: other objects would go on with another image of the same repository.
	Partial Verdict = "Partial"
	// Invalid: what the overlay renders to would be refused.
	Invalid Verdict = "Invalid"
	// Own: the commit is Cyan's own and starts no run.
	Own Verdict = "Own"
)

// Decision is a verdict and the reason, for a reader.
type Decision struct {
	Verdict Verdict
	Reason  string
	// Problem is what somebody has to do something about; nil when the verdict is none of these.
	Problem *problem.Error
}

// Decide returns what to do on a tip. A stale run stops whatever else is the matter with it.
func Decide(t Try) Decision {
	if t.Order == Older {
		return Decision{Verdict: Stale, Reason: fmt.Sprintf("commit %s: the newer commit %s is deployed", t.Mark.SourceCommit, t.Deployed.SourceCommit)}
	}
	if !t.Changed {
		return Decision{Verdict: Nothing, Reason: fmt.Sprintf("overlay %s: image %s is set already", t.Mark.Overlay, t.Mark.Image)}
	}
	if !t.Used {
		return failed(Unused, t.Mark.Overlay, fmt.Sprintf("image %q is used nowhere: %s", t.Mark.Name, uses(t.Images)),
			fmt.Sprintf("give the name that the manifests use, as --image NAME=%s%s", repository(t.Mark.Image), probably(t.Mark.Name, t.Images)))
	}
	if others := left(t); len(others) > 0 && !t.Named {
		return failed(Partial, t.Mark.Overlay, fmt.Sprintf("image %q would be set, and %s of the same repository would stay", t.Mark.Name, strings.Join(others, ", ")),
			fmt.Sprintf("give all of them an entry under images, or name the one that is delivered, as --image %s=%s", t.Mark.Name, repository(t.Mark.Image)))
	}
	if len(t.Findings) > 0 {
		return failed(Invalid, t.Mark.Overlay, "the rendered objects would be refused:\n  "+strings.Join(t.Findings, "\n  "),
			"correct the manifests and push again")
	}
	return Decision{Verdict: Commit, Reason: reason(t)}
}

// left are the images of the repository that is delivered which are not the one that is set.
func left(t Try) []string {
	var others []string
	for _, image := range t.Images {
		if image != t.Mark.Image && repository(image) == repository(t.Mark.Image) {
			others = append(others, image)
		}
	}
	return others
}

// failed is the decision that an overlay can't be delivered as it is.
func failed(verdict Verdict, overlay, cause, remedy string) Decision {
	object := "overlay " + overlay
	return Decision{
		Verdict: verdict, Reason: object + ": " + cause,
		Problem: &problem.Error{Kind: problem.Refused, Object: object, Cause: cause, Remedy: remedy},
	}
}

func reason(t Try) string {
	switch t.Order {
	case Newer:
		return "newer than the deployed commit " + t.Deployed.SourceCommit
	case Same:
		return "the deployed commit was built again, to another image"
	case Unrelated:
		return "the deployed commit " + t.Deployed.SourceCommit + " is on another line of history"
	}
	return "nothing was delivered there before"
}

func uses(images []string) string {
	if len(images) == 0 {
		return "the overlay renders no object with an image"
	}
	return "the overlay uses " + strings.Join(images, ", ")
}

// probably names the image that was probably meant, where one differs by a few letters.
func probably(name string, images []string) string {
	names := make([]string, len(images))
	for i, image := range images {
		names[i] = repository(image)
	}
	best := spelling.Closest(name, names)
	if best == "" {
		return ""
	}
	return fmt.Sprintf(" (did you mean %s?)", best)
}

// repository is an image's name without its tag and digest. A colon before the last slash is that of a port.
func repository(image string) string {
	image, _, _ = strings.Cut(image, "@")
	host, name := path.Split(image)
	name, _, _ = strings.Cut(name, ":")
	return host + name
}
