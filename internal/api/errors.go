package api

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/cyan-cd/cyan/internal/auth"
	"github.com/cyan-cd/cyan/internal/problem"
)

// The codes of gRPC that clients read beside the status.
const (
	codeUnknown            = 2
	codeInvalidArgument    = 3
	codeNotFound           = 5
	codeAlreadyExists      = 6
	codePermissionDenied   = 7
	codeResourceExhausted  = 8
	codeFailedPrecondition = 9
	codeAborted            = 10
	codeUnavailable        = 14
	codeUnauthenticated    = 16
)

// Error is the one shape of errors, as clients of Argo CD's API read it.
type Error struct {
	// Status is that of the answer.
	Status int `json:"-"`
	// Text and Message are the same: some clients read the one, some the other.
	Text    string `json:"error" doc:"what is wrong, and what to do about it"`
	Code    int    `json:"code" doc:"the code of gRPC"`
	Message string `json:"message" doc:"the same as error"`
}

// Error returns the text.
func (e *Error) Error() string { return e.Text }

// GetStatus implements huma.StatusError.
func (e *Error) GetStatus() int { return e.Status }

func newError(status, code int, text string) *Error { return &Error{status, text, code, text} }

// writeError answers with an error where there is no call to return it.
func writeError(w http.ResponseWriter, e *Error) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(e.Status)
	_ = json.NewEncoder(w).Encode(e)
}

// shown returns what is answered about an error, where it is not returned by a call.
func shown(err error) *Error {
	var known *Error
	if errors.As(answerOf(err), &known) {
		return known
	}
	return newError(http.StatusInternalServerError, codeUnknown, "something went wrong; try again")
}

// errDenied is the answer about what may not be seen, whether or not it is there.
var errDenied = newError(http.StatusForbidden, codePermissionDenied, "permission denied")

// statuses are those of problems.
var statuses = map[problem.Kind]struct{ status, code int }{
	problem.Usage:       {http.StatusBadRequest, codeInvalidArgument},
	problem.Negative:    {http.StatusBadRequest, codeFailedPrecondition},
	problem.Refused:     {http.StatusBadRequest, codeFailedPrecondition},
	problem.Absent:      {http.StatusNotFound, codeNotFound},
	problem.Unreachable: {http.StatusServiceUnavailable, codeUnavailable},
}

// answerOf returns an error as clients read it. What nothing is known of is told in general: its text may have come
// from anywhere.
func answerOf(err error) error {
	var known *Error
	var soon *auth.TooSoonError
	switch {
	case errors.As(err, &known):
		return known
	case errors.As(err, &soon):
		return huma.ErrorWithHeaders(newError(http.StatusTooManyRequests, codeResourceExhausted, soon.Error()), retryAfter(soon.Wait))
	case errors.Is(err, auth.ErrBusy):
		return newError(http.StatusTooManyRequests, codeResourceExhausted, err.Error())
	case errors.Is(err, auth.ErrCredentials), errors.Is(err, auth.ErrToken), errors.Is(err, auth.ErrNoSession):
		return newError(http.StatusUnauthorized, codeUnauthenticated, err.Error())
	}
	if p := problem.Of(err); p != nil {
		if s, ok := statuses[p.Kind]; ok {
			return newError(s.status, s.code, p.Error())
		}
		return newError(http.StatusInternalServerError, codeUnknown, p.Error())
	}
	switch {
	case apierrors.IsNotFound(err):
		return newError(http.StatusNotFound, codeNotFound, err.Error())
	case apierrors.IsConflict(err):
		return newError(http.StatusConflict, codeAborted, "the object has been changed meanwhile; read it and try again")
	case apierrors.IsAlreadyExists(err):
		return newError(http.StatusConflict, codeAlreadyExists, err.Error())
	case apierrors.IsInvalid(err), apierrors.IsBadRequest(err):
		return newError(http.StatusBadRequest, codeInvalidArgument, err.Error())
	}
	return newError(http.StatusInternalServerError, codeUnknown, "something went wrong, which the server's log has; try again")
}

// invalid returns the error of a request that does not fit its types.
func invalid(status int, text string, details ...error) huma.StatusError {
	for _, d := range details {
		var detail huma.ErrorDetailer
		if errors.As(d, &detail) {
			found := detail.ErrorDetail()
			text += "; " + found.Location + ": " + found.Message
			continue
		}
		if d != nil {
			text += "; " + d.Error()
		}
	}
	code := codeInvalidArgument
	switch status {
	case http.StatusUnprocessableEntity:
		status = http.StatusBadRequest
	case http.StatusInternalServerError:
		code = codeUnknown
	}
	return newError(status, code, text)
}
