package source

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/cyan-cd/cyan/internal/problem"
)

// lookMemory bounds the memory of a git that lists refs: it holds all that a host says at once.
const lookMemory = 3 << 30

func tooManyRefs(repository string, most int64) error {
	return refusedSize(repository, fmt.Sprintf("list of branches and tags is larger than %s", megabytes(most)), "remove those that nobody needs")
}

func refusedSize(repository, cause, remedy string) error {
	err := newError(ErrRefused, repository, cause, remedy)
	err.Kind = problem.Refused
	return err
}

func megabytes(n int64) string {
	if n < 1<<20 {
		return fmt.Sprintf("%d bytes", n)
	}
	return fmt.Sprintf("%d MiB", n>>20)
}

// largeFor is how long a repository that was too large is not fetched again.
const largeFor = 10 * time.Minute

// checkSize returns why a repository is not fetched: it was found to be too large, and is likely to be so still. What
// was fetched of it until then is dropped.
func (r *bareMirror) checkSize() error {
	r.mu.Lock()
	until := r.largeUntil
	r.mu.Unlock()
	most := r.store.opts.MaxRepositorySize
	switch {
	case time.Now().Before(until):
		return r.tooLarge()
	case sizeOf(r.dir, most) <= most:
		return nil
	}
	return r.dropLarge()
}

// dropLarge removes a mirror that is too large, and has it left alone for a while.
func (r *bareMirror) dropLarge() error {
	r.set(func() { r.largeUntil = time.Now().Add(largeFor) })
	r.objects.close()
	if err := os.RemoveAll(r.dir); err != nil {
		return fmt.Errorf("removing a mirror that is too large: %w", err)
	}
	return r.tooLarge()
}

func (r *bareMirror) tooLarge() error {
	return refusedSize(r.name, "repository is larger than "+megabytes(r.store.opts.MaxRepositorySize), "split it, or remove large files from its history")
}

// watchSize ends what is done with ctx when the mirror grows beyond its bound.
func (r *bareMirror) watchSize(ctx context.Context) (context.Context, func()) {
	ctx, end := context.WithCancelCause(ctx)
	done := make(chan struct{})
	go func() {
		tick := time.NewTicker(r.store.watchEvery)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				if most := r.store.opts.MaxRepositorySize; sizeOf(r.dir, most) > most {
					end(errTooMuch)
					return
				}
			}
		}
	}()
	return ctx, func() {
		close(done)
		end(nil)
	}
}

// sizeOf returns the bytes in the files below a directory; it stops counting once there are more than enough.
func sizeOf(dir string, enough int64) int64 {
	var size int64
	_ = filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return nil // what is gone has no size
		}
		if info, err := entry.Info(); err == nil {
			size += info.Size()
		}
		if size > enough {
			return fs.SkipAll
		}
		return nil
	})
	return size
}

// touchEvery is how exactly it is known when a mirror was used last.
const touchEvery = 10 * time.Minute

// touch marks the mirror as used now.
func (r *bareMirror) touch(now time.Time) {
	r.mu.Lock()
	due := now.Sub(r.touched) >= touchEvery
	if due {
		r.touched = now
	}
	r.mu.Unlock()
	if due {
		// A mirror that is not there yet is used when it is made.
		_ = os.Chtimes(filepath.Join(r.dir, readyMark), now, now)
	}
}

// mirrorOnDisk is a directory of a mirror.
type mirrorOnDisk struct {
	dir  string
	used time.Time
	size int64
}

// Clean removes the mirrors that nobody has used for a while, and beyond the bound of the disk those that were not used
// for the longest. One that is in use right now stays. It returns how many it has removed.
func (m *mirrorSet) Clean(ctx context.Context, now time.Time) (int, error) {
	m.forget(now)
	if err := m.removeHalves(ctx); err != nil {
		return 0, err
	}
	dirs, err := filepath.Glob(filepath.Join(m.store.dir, "*.git"))
	if err != nil {
		return 0, err
	}
	var all []mirrorOnDisk
	var total int64
	for _, dir := range dirs {
		info, err := os.Stat(filepath.Join(dir, readyMark))
		if err != nil {
			continue // being made right now, or not a mirror
		}
		size := sizeOf(dir, m.store.opts.MaxDisk)
		total += size
		all = append(all, mirrorOnDisk{dir, info.ModTime(), size})
	}
	slices.SortFunc(all, func(a, b mirrorOnDisk) int { return cmp.Or(a.used.Compare(b.used), cmp.Compare(a.dir, b.dir)) })
	removed := 0
	for _, one := range all {
		unused := now.Sub(one.used)
		if unused < 2*touchEvery || unused < m.store.opts.KeepUnused && total <= m.store.opts.MaxDisk {
			continue
		}
		gone, err := m.remove(ctx, one)
		if err != nil {
			return removed, err
		}
		if gone {
			removed++
			total -= one.size
		}
	}
	return removed, nil
}

// forget drops what is known of repositories that nobody has asked for in a while and of which nothing is on the disk,
// such as those whose host never answered.
func (m *mirrorSet) forget(now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for key, r := range m.byKey {
		r.mu.Lock()
		unused := now.Sub(r.touched)
		r.mu.Unlock()
		if unused > m.store.opts.KeepUnused && r.mark() == "" {
			r.objects.close()
			delete(m.byKey, key)
		}
	}
}

// removeHalves deletes what is left of mirrors that were being made, or made anew, or removed when the program ended.
func (m *mirrorSet) removeHalves(ctx context.Context) error {
	for _, suffix := range []string{".new", ".old"} {
		dirs, err := filepath.Glob(filepath.Join(m.store.dir, "*.git"+suffix))
		if err != nil {
			return err
		}
		for _, dir := range dirs {
			unlock, err := m.lockNow(ctx, strings.TrimSuffix(dir, suffix))
			if err != nil {
				continue // somebody is at work on it
			}
			err = os.RemoveAll(dir)
			unlock()
			if err != nil {
				return fmt.Errorf("removing half a mirror: %w", err)
			}
		}
	}
	return ctx.Err()
}

// lockNow takes the lock of a mirror that nobody is at work on.
func (m *mirrorSet) lockNow(ctx context.Context, dir string) (unlock func(), err error) {
	const patience = time.Second
	short, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return lockFile(short, dir+".lock")
}

// remove deletes a mirror, unless somebody is at work on it or has used it meanwhile.
func (m *mirrorSet) remove(ctx context.Context, one mirrorOnDisk) (bool, error) {
	unlock, err := m.lockNow(ctx, one.dir)
	if err != nil {
		return false, ctx.Err()
	}
	defer unlock()
	info, err := os.Stat(filepath.Join(one.dir, readyMark))
	if err != nil || info.ModTime().After(one.used) {
		return false, nil
	}
	old := one.dir + ".old"
	if err := errors.Join(os.RemoveAll(old), os.Rename(one.dir, old), os.RemoveAll(old)); err != nil {
		return false, fmt.Errorf("removing a mirror that nobody uses: %w", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for key, r := range m.byKey {
		if r.dir == one.dir {
			r.objects.close()
			delete(m.byKey, key)
		}
	}
	return true, nil
}
