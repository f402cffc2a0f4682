package live

import "time"

const (
	// settleFirst and settleMost bound the time that a kind has to be readable before it counts as such again. It doubles
	// each time that the kind breaks within calm.
	settleFirst = time.Second
	settleMost  = time.Minute
	calm        = 5 * time.Minute
)

// kindState is whether a kind can be read. One that breaks and recovers again and again counts as broken.
type kindState struct {
	// err is why the kind can't be read; nil while it can.
	err error
	// breaks is how often it broke of late, and broke when it did last.
	breaks int
	broke  time.Time
	// recovery ends the time that it has to be readable; nil while none runs.
	recovery *time.Timer
	// failures counts all of them.
	failures int
}

// fail notes that the kind can't be read, and reports whether it could before.
func (k *kindState) fail(err error, now time.Time) (broke bool) {
	k.end()
	k.failures++
	broke = k.err == nil
	k.err = err
	if broke {
		if now.Sub(k.broke) > calm {
			k.breaks = 0
		}
		k.breaks, k.broke = k.breaks+1, now
	}
	return broke
}

// recover calls back once the kind has been readable for long enough, unless it is counted as such already. back is
// given the failures that there were until now.
func (k *kindState) recover(back func(failures int)) {
	if failures := k.failures; k.err != nil && k.recovery == nil {
		k.recovery = time.AfterFunc(settle(k.breaks), func() { back(failures) })
	}
}

// end stops waiting for the kind to be readable for long enough.
func (k *kindState) end() {
	if k.recovery != nil {
		k.recovery.Stop()
		k.recovery = nil
	}
}

// settle is how long a kind that broke so often has to be readable.
func settle(breaks int) time.Duration {
	wait := settleFirst
	for range breaks - 1 {
		if wait *= 2; wait >= settleMost {
			return settleMost
		}
	}
	return wait
}
