package devloop

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/klog/v2"
)

// libraryLines are what client libraries write for a log, as lines of a loop. They write the same again and again while
// a cluster is away: that is one line.
type libraryLines struct {
	cluster string
	say     func(string)
	now     func() time.Time

	mu sync.Mutex
	// last is when each line was written last, whether or not it was shown.
	last map[string]time.Time
}

const (
	// sameWithin is how long after it was written last a line is still the same one: longer than what watches wait between
	// two tries.
	sameWithin = time.Minute
	// mostRemembered bounds the lines that are remembered.
	mostRemembered = 200
)

// listening are the lines that the libraries of this process write to; nil drops what they write.
var (
	listening  atomic.Pointer[libraryLines]
	listenOnce sync.Once
)

// listen has what client libraries write shown as lines of a loop, until mute is called.
func listen(cluster string, say func(string)) {
	listenOnce.Do(func() { klog.SetLogger(logr.New(librarySink{})) })
	listening.Store(&libraryLines{cluster: cluster, say: say, now: time.Now, last: map[string]time.Time{}})
}

// mute drops what client libraries write.
func mute() { listening.Store(nil) }

// see shows a line, if it is another one than before.
func (l *libraryLines) see(message string, err error) {
	text := l.text(message, err)
	l.mu.Lock()
	now := l.now()
	before, seen := l.last[text]
	if len(l.last) >= mostRemembered {
		clear(l.last)
	}
	l.last[text] = now
	l.mu.Unlock()
	if !seen || now.Sub(before) > sameWithin {
		l.say(text)
	}
}

// text returns the line of a message. A watch that ends for want of an answer is begun again by the library.
func (l *libraryLines) text(message string, err error) string {
	message = strings.TrimPrefix(strings.ReplaceAll(strings.TrimSpace(message), "\n", " "), "Warning: ")
	switch status, refused := errors.AsType[*apierrors.StatusError](err); {
	case err == nil:
		return "cluster " + l.cluster + ": " + message
	case refused && status.ErrStatus.Code >= 400 && status.ErrStatus.Code < 500:
		return fmt.Sprintf("cluster %s: %v", l.cluster, err)
	case isOfWatch(message):
		return "cluster " + l.cluster + ": what is watched there does not answer; it is tried again until it does"
	}
	if failed, ok := errors.AsType[*url.Error](err); ok {
		err = failed.Err
	}
	return fmt.Sprintf("cluster %s: %s: %v", l.cluster, message, err)
}

// isOfWatch reports whether a message is about listing and watching, by the words that client-go has for it.
func isOfWatch(message string) bool {
	message = strings.ToLower(message)
	return strings.Contains(message, "watch") || strings.Contains(message, "reflector") || strings.Contains(message, "failed to list")
}

// librarySink passes on what libraries write.
type librarySink struct{ values []any }

// Init does nothing.
func (librarySink) Init(logr.RuntimeInfo) {}

// Enabled reports whether a message is written: those that are meant for everybody are.
func (librarySink) Enabled(level int) bool { return level == 0 }

// Info passes a message on, with the error that it has among its values.
func (s librarySink) Info(_ int, message string, values ...any) {
	var err error
	for _, value := range append(values, s.values...) {
		if found, is := value.(error); is {
			err = found
		}
	}
	s.Error(err, message)
}

// Error passes an error on.
func (librarySink) Error(err error, message string, _ ...any) {
	if l := listening.Load(); l != nil {
		l.see(message, err)
	}
}

// WithValues returns a sink with values as well.
func (s librarySink) WithValues(values ...any) logr.LogSink {
	return librarySink{append(append([]any(nil), s.values...), values...)}
}

// WithName returns the sink, since names of libraries mean nothing to who develops.
func (s librarySink) WithName(string) logr.LogSink { return s }
