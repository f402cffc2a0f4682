package auth

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"runtime"
	"sync"
	"sync/atomic"

	"golang.org/x/crypto/bcrypt"

	"github.com/cyan-cd/cyan/internal/problem"
)

const (
	// longestPassword is what bcrypt looks at.
	longestPassword = 72
	// mostCost bounds what a hash that somebody has written may cost to check: each step doubles it.
	mostCost = 14

	initialLength = 16
	letters       = "abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789-"
)

// dummyHash is compared with where there is no account or no password, so that the answer takes as long. Nothing has
// this hash: its password was thrown away. Making it costs as much as a comparison, which programs that check no
// passwords do not pay at their start; [New] does.
var dummyHash = sync.OnceValue(func() []byte { return mustHash(newSecret()) })

func mustHash(password string) []byte {
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.DefaultCost)
	if err != nil {
		panic(err)
	}
	return hash
}

// Hash returns the bcrypt hash of a password.
func Hash(password string) ([]byte, error) {
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.DefaultCost)
	if errors.Is(err, bcrypt.ErrPasswordTooLong) {
		return nil, tooLong()
	}
	return hash, err
}

func tooLong() error {
	return &problem.Error{Kind: problem.Usage, Object: "password", Cause: fmt.Sprintf("longer than %d bytes", longestPassword), Remedy: "choose a shorter one"}
}

// checkPassword returns what about a new password is not as settings want it.
func checkPassword(password string, s Settings) error {
	switch {
	case len(password) > longestPassword:
		return tooLong()
	case !s.PasswordPattern.MatchString(password):
		return &problem.Error{
			Kind: problem.Usage, Object: "password", Cause: "does not match passwordPattern " + cut(s.PasswordPattern.String()),
			Remedy: "choose another, or change passwordPattern in ConfigMap " + ConfigName,
		}
	}
	return nil
}

// newSecret returns 32 random bytes as text.
func newSecret() string {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // It never fails: see crypto/rand.
	return base64.RawStdEncoding.EncodeToString(b)
}

// newPassword returns a password for people to copy.
func newPassword() string {
	b := make([]byte, initialLength)
	for i := range b {
		n, err := rand.Int(rand.Reader, big.NewInt(int64(len(letters))))
		if err != nil {
			panic(err)
		}
		b[i] = letters[n.Int64()]
	}
	return string(b)
}

// checks bounds how many passwords are compared at the same time, and how many wait for that, in two lanes: a flood of
// strangers does not hold up those whose browser has logged in before.
type checks struct {
	strangers, known lane
}

type lane struct {
	slots   chan struct{}
	waiting atomic.Int64
	queue   int64
}

const (
	queueOfStrangers = 64
	queueOfKnown     = 64
)

func newChecks() *checks {
	return &checks{
		strangers: lane{slots: make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2)), queue: queueOfStrangers},
		known:     lane{slots: make(chan struct{}, 1), queue: queueOfKnown},
	}
}

// do runs a comparison when there is room for it, behind whatever else has something to do; [ErrBusy] when too many
// wait already.
func (l *lane) do(ctx context.Context, compare func()) error {
	if l.waiting.Add(1) > l.queue {
		l.waiting.Add(-1)
		return ErrBusy
	}
	defer l.waiting.Add(-1)
	select {
	case l.slots <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-l.slots }()
	done := make(chan struct{})
	go func() {
		defer close(done)
		yieldProcessor()
		compare()
	}()
	<-done
	return nil
}

// matches reports whether a password is the one of a hash. Without a usable hash it takes as long, and is not.
func matches(hash []byte, password string) bool {
	usable := len(password) <= longestPassword
	if cost, err := bcrypt.Cost(hash); err != nil || cost > mostCost {
		hash, usable = dummyHash(), false
	}
	if len(password) > longestPassword {
		password = password[:longestPassword]
	}
	return bcrypt.CompareHashAndPassword(hash, []byte(password)) == nil && usable
}
