package remote

import (
	"context"
	"strconv"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"
)

// versions are those of the Applications that were written, by name. A server reads from a cache, which may be a moment
// behind: what it had before a sync was asked for would look like the end of that sync.
type versions map[string]uint64

// note keeps the version of an object that was written.
func (v versions) note(object client.Object, err error) error {
	if number, parsed := versionOf(object); err == nil && parsed {
		v[object.GetName()] = number
	}
	return err
}

const (
	catchUpEvery = 50 * time.Millisecond
	catchUp      = 5 * time.Second
)

// await reads an object until it is no older than what was written, or long enough.
func (v versions) await(ctx context.Context, name string, object client.Object, read func() error) error {
	ctx, cancel := context.WithTimeout(ctx, catchUp)
	defer cancel()
	tick := time.NewTicker(catchUpEvery)
	defer tick.Stop()
	for {
		err := read()
		number, parsed := versionOf(object)
		if err != nil || !parsed || number >= v[name] {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

func versionOf(object client.Object) (uint64, bool) {
	number, err := strconv.ParseUint(object.GetResourceVersion(), 10, 64)
	return number, err == nil
}
