package problem

import (
	"errors"
	"fmt"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

const (
	// longestCause bounds one cause of a refusal, and mostCauses their number.
	longestCause = 300
	mostCauses   = 5
)

// goValue is where the API server begins to print a value as Go has it.
const goValue = ": Invalid value: "

// Refusal returns the message of an API server without what the reader knows already, and without values that are in
// Go's notation. Values of Secrets may be left in it.
func Refusal(err error) string {
	status, ok := errors.AsType[*apierrors.StatusError](err)
	if !ok {
		return err.Error()
	}
	d := status.ErrStatus.Details
	if d == nil || !apierrors.IsInvalid(err) || len(d.Causes) == 0 {
		return status.ErrStatus.Message
	}
	var causes []string
	for i, c := range d.Causes {
		if i == mostCauses {
			causes = append(causes, fmt.Sprintf("and %d more", len(d.Causes)-mostCauses))
			break
		}
		field := c.Field
		if field == "<nil>" {
			field = ""
		}
		causes = append(causes, strings.TrimPrefix(field+": "+brief(c.Message), ": "))
	}
	return strings.Join(causes, "; ")
}

// brief cuts the value out of a long message, which ends with what is wrong with it.
func brief(message string) string {
	if len(message) <= longestCause {
		return message
	}
	head, value, found := strings.Cut(": "+message, goValue)
	end := strings.LastIndex(value, ": ")
	if found && end >= 0 && len(value)-end <= longestCause {
		return strings.TrimPrefix(head+": Invalid value"+value[end:], ": ")
	}
	return strings.ToValidUTF8(message[:longestCause], "") + "…"
}
