package devloop

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"

	"github.com/cyan-cd/cyan/internal/devloop/decide"
	"github.com/cyan-cd/cyan/internal/devloop/desired"
)

// insteadBuilt is what becomes of files that could not be copied.
const insteadBuilt = "; the image is built instead"

// syncsAtOnce bounds the containers that files are copied into at the same time.
const syncsAtOnce = 8

// syncer copies files into running containers, and into those that are started later. It is safe for concurrent use.
type syncer struct {
	*reporter
	*copier

	mu sync.Mutex
	// ledger are the files that differ from those of an image, by the image's name and by where they are in it.
	ledger map[string]map[string]decide.Change
	// refs are the images that run, by name.
	refs map[string]string
	// has are the last runs of containers that have the files.
	has containerRuns
	// unfit are images of which a container that was started could not take the files, until they are built; some is
	// signalled when there are any.
	unfit map[string]refusal
	some  chan struct{}
}

func newSyncer(r *reporter, s *scene, config *rest.Config, root string) *syncer {
	return &syncer{reporter: r, copier: newCopier(s, config, root), ledger: map[string]map[string]decide.Change{}, refs: map[string]string{}, has: containerRuns{}, unfit: map[string]refusal{}, some: make(chan struct{}, 1)}
}

// begin has containers that are started get the files that were copied before, until ctx ends.
func (s *syncer) begin(ctx context.Context, tasks *tasks) {
	s.scene.onPod(func(pod *corev1.Pod) {
		if ctx.Err() != nil {
			return
		}
		for _, c := range pod.Status.ContainerStatuses {
			image := s.missing(pod, c)
			if image == "" {
				continue
			}
			tasks.Go(func() {
				if err := s.copy(ctx, target{pod.Name, c.Name}, s.all(image)); err != nil && ctx.Err() == nil {
					s.missed(pod, c, image, err)
				}
			})
		}
	}, func(pod types.UID) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.has.forget(pod)
	})
}

// missing returns the image of a container that was started and has not got the files yet; "" for any other.
func (s *syncer) missing(pod *corev1.Pod, c corev1.ContainerStatus) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	image := s.imageOf(pod, c.Name)
	if c.State.Running == nil || image == "" || len(s.ledger[image]) == 0 || !s.has.note(pod.UID, c) {
		return ""
	}
	return image
}

// missed notes that a container that was started has not got the files after all: it gets them at its next change, or
// with the next image where it is the container that cannot take them.
func (s *syncer) missed(pod *corev1.Pod, c corev1.ContainerStatus, image string, err error) {
	refused, unfit := refusalOf(image, err)
	if unfit = unfit && s.goesOn(pod, c); unfit && !s.refuse(refused) {
		return
	}
	if !unfit {
		s.mu.Lock()
		s.has.drop(pod.UID, c)
		s.mu.Unlock()
	}
	text := err.Error()
	if unfit {
		text += insteadBuilt
	}
	s.failed(Event{Kind: SyncFailed, Artifact: image, Text: text, Err: err})
}

// refusalOf returns what follows from an error of a container that could not take files; is is unset where that passes.
func refusalOf(image string, err error) (refused refusal, is bool) {
	missing, lacks := errors.AsType[missingProgram](err)
	_, failed := errors.AsType[commandFailed](err)
	return refusal{image, lacks && missing == tarProgram}, lacks || failed
}

// goesOn reports whether a container still runs as it did, as far as is known.
func (s *syncer) goesOn(pod *corev1.Pod, c corev1.ContainerStatus) bool {
	return slices.ContainsFunc(s.scene.newest(), func(now *corev1.Pod) bool {
		return now.UID == pod.UID && slices.ContainsFunc(now.Status.ContainerStatuses, func(other corev1.ContainerStatus) bool {
			return other.Name == c.Name && other.ContainerID == c.ContainerID && other.State.Running != nil
		})
	})
}

// refuse has an image built in the next round, and reports whether that is news.
func (s *syncer) refuse(r refusal) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, known := s.unfit[r.image]; known {
		return false
	}
	s.unfit[r.image] = r
	select {
	case s.some <- struct{}{}:
	default:
	}
	return true
}

// refused are the images to build because a container that was started could not take the files.
func (s *syncer) refused() []refusal {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Values(s.unfit))
}

// imageOf returns the name of the image that a container runs, if it is one that runs now.
func (s *syncer) imageOf(pod *corev1.Pod, container string) string {
	for _, c := range pod.Spec.Containers {
		if c.Name != container {
			continue
		}
		for name, ref := range s.refs {
			if ref == c.Image {
				return name
			}
		}
	}
	return ""
}

// runs reports whether a container runs the image of an artifact.
func (s *syncer) runs(pod *corev1.Pod, container, image string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.imageOf(pod, container) == desired.Name(image)
}

// deployed notes the images that run from now on. Those that are others than before have all files.
func (s *syncer) deployed(refs map[string]string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, ref := range refs {
		if s.refs[name] != ref {
			delete(s.ledger, name)
		}
		delete(s.unfit, name)
	}
	s.refs = maps.Clone(refs)
}

// all are the files that a container of an image has to get.
func (s *syncer) all(image string) map[string]decide.Change {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.ledger[image])
}

// refusal is an image whose containers cannot take files.
type refusal struct {
	image string
	// always is set where they can take none at all.
	always bool
}

// sync copies files into all containers that run their image. It returns the images that have to be built instead.
func (s *syncer) sync(ctx context.Context, round int, copies []decide.Copy, since time.Time) (refused []refusal) {
	byImage := s.enter(copies)
	for _, image := range slices.Sorted(maps.Keys(byImage)) {
		start := time.Now()
		targets, starts := s.running(image)
		if len(targets) == 0 && !starts {
			refused = append(refused, refusal{image, false})
			s.report(Event{Kind: Note, Round: round, Artifact: image, Text: fmt.Sprintf("no container of %s runs that files could be copied into: it is built instead", image)})
			continue
		}
		err := s.syncImage(ctx, targets, byImage[image])
		missing, lacks := errors.AsType[missingProgram](err)
		switch {
		case ctx.Err() != nil:
			return nil
		case lacks:
			refused = append(refused, refusal{image, missing == tarProgram})
			s.note(fmt.Sprintf("image %s has no %s, so that files cannot be %s its containers: it is built instead", image, string(missing), missing.does()))
		case err != nil:
			// Some of the files may be in some of the containers: only another image makes them all alike.
			refused = append(refused, refusal{image, false})
			s.failed(Event{Kind: SyncFailed, Round: round, Artifact: image, Text: err.Error() + insteadBuilt, Took: time.Since(start), Err: err})
		default:
			s.report(Event{Kind: Synced, Round: round, Artifact: image, Text: describeCopy(len(byImage[image]), len(targets), image), Took: time.Since(start), Total: time.Since(since)})
		}
	}
	return refused
}

// enter notes files that differ from those of images from now on, and returns them by image and place.
func (s *syncer) enter(copies []decide.Copy) map[string]map[string]decide.Change {
	byImage := map[string]map[string]decide.Change{}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range copies {
		name := desired.Name(c.Image)
		if byImage[name] == nil {
			byImage[name] = map[string]decide.Change{}
		}
		if s.ledger[name] == nil {
			s.ledger[name] = map[string]decide.Change{}
		}
		byImage[name][c.Dest], s.ledger[name][c.Dest] = c.Change, c.Change
	}
	return byImage
}

// describeCopy names how many files have gone into how many containers of an image.
func describeCopy(files, containers int, image string) string {
	if containers == 0 {
		return fmt.Sprintf("%s for %s, as soon as a container runs", countOf(files, "file"), image)
	}
	return fmt.Sprintf("%s into %s of %s", countOf(files, "file"), countOf(containers, "container"), image)
}

func countOf(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// syncImage copies files into the containers of an image. One that cannot take them keeps no other from having them.
func (s *syncer) syncImage(ctx context.Context, targets []target, files map[string]decide.Change) error {
	var group errgroup.Group
	group.SetLimit(syncsAtOnce)
	for _, to := range targets {
		group.Go(guarded(func() error { return s.copy(ctx, to, files) }))
	}
	return group.Wait()
}

// running are the containers that run an image, which have what was copied before; starts is whether there are others
// that have not run yet.
func (s *syncer) running(image string) (all []target, starts bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, pod := range s.scene.newest() {
		for _, c := range pod.Spec.Containers {
			if s.imageOf(pod, c.Name) != image {
				continue
			}
			at := slices.IndexFunc(pod.Status.ContainerStatuses, func(status corev1.ContainerStatus) bool { return status.Name == c.Name })
			switch {
			case at < 0:
				starts = true
			case pod.Status.ContainerStatuses[at].State.Running != nil:
				s.has.note(pod.UID, pod.Status.ContainerStatuses[at])
				all = append(all, target{pod.Name, c.Name})
			default:
				starts = starts || hasNotRun(pod.Status.ContainerStatuses[at]) && whyNot(pod) == ""
			}
		}
	}
	return all, starts
}

// hasNotRun reports whether a container is yet to start for the first time.
func hasNotRun(c corev1.ContainerStatus) bool {
	return c.State.Terminated == nil && c.LastTerminationState.Terminated == nil && c.RestartCount == 0
}
