package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

const (
	// oneProcessor is the one that the server has in the scenarios of the page.
	oneProcessor = "0"
	// changesEach is the time between two changes of an Application's status, and mark is what stands in each before its
	// number.
	changesEach = 50 * time.Millisecond
	mark        = "change "
	// pageMemory and pageLatency are what is asked for.
	pageMemory  = 250 << 20
	pageLatency = 500 * time.Millisecond
)

// changes are those that the Applications get, and when whoever looks has seen them.
type changes struct {
	mu   sync.Mutex
	sent []time.Time
	// events are the times from a change to its event at a page, and bare those to its event at a bare watch.
	events, bare []time.Duration
	bytes        int
}

// begin counts one more.
func (c *changes) begin() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sent = append(c.sent, time.Now())
	return len(c.sent) - 1
}

// seen notes that a page, or else the bare watch, has seen a change.
func (c *changes) seen(in *[]time.Duration, k int, at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if k < len(c.sent) {
		*in = append(*in, at.Sub(c.sent[k]))
	}
}

// got notes what a page has read.
func (c *changes) got(bytes int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.bytes += bytes
}

// numberIn returns the number of the change that an event shows; false for none.
func numberIn(data []byte) (int, bool) {
	_, rest, ok := bytes.Cut(data, []byte(`"message":"`+mark))
	if !ok {
		return 0, false
	}
	digits, _, _ := bytes.Cut(rest, []byte(`"`))
	k, err := strconv.Atoi(string(digits))
	return k, err == nil
}

// openPages has pages open while Applications change.
func openPages(ctx context.Context, w *world) error {
	v, err := visit(ctx, w)
	if err != nil {
		return err
	}
	look, end := context.WithCancel(ctx)
	defer end()
	var open errgroup.Group
	c := &changes{}
	for i := range w.pages {
		topics, err := v.openPage(ctx, i)
		if err != nil {
			return err
		}
		lines, err := v.listen(look, topics)
		if err != nil {
			return err
		}
		open.Go(func() error { return c.read(look, lines) })
	}
	if _, err := w.settle(ctx); err != nil {
		return err
	}
	if err := w.server.forgetPeak(); err != nil {
		return err
	}
	before, err := w.server.usage(ctx)
	if err != nil {
		return err
	}
	if err := v.changeAll(ctx, c); err != nil {
		return err
	}
	used, err := w.since(ctx, before)
	if err != nil {
		return err
	}
	end()
	if err := open.Wait(); err != nil {
		return err
	}
	heap, err := w.server.heap(ctx)
	if err != nil {
		return err
	}
	v.addPages(c, used, heap)
	return w.printHeap(ctx)
}

func (w visitors) addPages(c *changes, used usage, heap int64) {
	of := fmt.Sprintf("%d pages, %d changes a second: ", w.pages, time.Second/changesEach)
	bare := spread(c.bare)
	w.sheet.add(figure{what: of + "change → event at the page: p50, p99", measured: spread(c.events), limit: joined(bare, "") + ", a bare watch", targets: []amount{lasting(pageLatency), lasting(pageLatency)}})
	w.sheet.add(figure{what: of + "events that were waited for", measured: []amount{number(float64(len(c.events)))}})
	w.sheet.add(figure{what: of + "memory at most", measured: []amount{memory(used.peak)}, targets: []amount{memory(pageMemory)}})
	w.sheet.add(figure{what: of + "memory now, in use, pages of files", measured: []amount{memory(used.rss), memory(heap), memory(used.file)}})
	w.sheet.add(figure{what: of + "CPU a second", measured: []amount{lasting(used.cpu / time.Duration(max(1, w.idleFor.Seconds())))}, targets: []amount{lasting(time.Second)}})
	w.sheet.add(figure{what: of + "sent to a page a second", measured: []amount{kilo(c.bytes / w.pages / int(max(1, w.idleFor.Seconds())))}})
}

// visitors are those who look at the page of a server on one processor, as admin.
type visitors struct {
	*world
	token string
}

// visit has the server run on one processor with everything synced, and logs in.
func visit(ctx context.Context, w *world) (visitors, error) {
	if w.processors != oneProcessor {
		w.processors = oneProcessor
		if err := w.restart(ctx); err != nil {
			return visitors{}, err
		}
	}
	if _, err := w.settle(ctx); err != nil {
		return visitors{}, err
	}
	token, err := logIn(ctx, w)
	return visitors{w, token}, err
}

// logIn logs in as admin.
func logIn(ctx context.Context, w *world) (string, error) {
	secret := &corev1.Secret{}
	if err := w.cluster.client.Get(ctx, client.ObjectKey{Namespace: control, Name: "argocd-initial-admin-secret"}, secret); err != nil {
		return "", err
	}
	body, err := json.Marshal(map[string]string{"username": "admin", "password": string(secret.Data["password"])})
	if err != nil {
		return "", err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+w.server.api+"/api/v1/session", bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	request.Header.Set("Content-Type", "application/json")
	text, err := answer(request)
	if err != nil {
		return "", err
	}
	var session struct{ Token string }
	err = json.Unmarshal(text, &session)
	return session.Token, err
}

// openPage reads what a page begins with, and returns the topics that it goes on with: those of a list, of the
// overview, of both and of one Application, in turn.
func (w visitors) openPage(ctx context.Context, i int) (string, error) {
	app := appName(w.watched(i))
	first, topics := "applications?limit=0", "applications"
	switch i % 4 {
	case 1:
		first, topics = "overview", "overview"
	case 2:
		topics = "applications,overview"
	case 3:
		first, topics = "applications/"+control+"/"+app, "application:"+control+"/"+app
	}
	return topics, w.call(ctx, "/api/v1/view/"+first)
}

// watched returns the Application that a page shows.
func (w visitors) watched(i int) int { return place(i, w.pages, w.n) }

func (w visitors) call(ctx context.Context, path string) error {
	request, err := w.request(ctx, path)
	if err == nil {
		_, err = answer(request)
	}
	return err
}

func (w visitors) request(ctx context.Context, path string) (*http.Request, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+w.server.api+path, http.NoBody)
	if err == nil {
		request.Header.Set("Authorization", "Bearer "+w.token)
	}
	return request, err
}

// listen opens a stream, which ends with ctx.
func (w visitors) listen(ctx context.Context, topics string) (*bufio.Reader, error) {
	request, err := w.request(ctx, "/api/v1/view/stream?topics="+topics)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request) //nolint:bodyclose // it ends with ctx
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("opening a stream: %s", response.Status)
	}
	return bufio.NewReaderSize(response.Body, 1<<20), nil
}

// read reads a stream to its end.
func (c *changes) read(ctx context.Context, stream *bufio.Reader) error {
	for {
		line, err := stream.ReadSlice('\n')
		at := time.Now()
		c.got(len(line))
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil && !errors.Is(err, bufio.ErrBufferFull):
			return fmt.Errorf("reading a stream: %w", err)
		case bytes.HasPrefix(line, []byte("event: reset")), bytes.HasPrefix(line, []byte("event: end")):
			return fmt.Errorf("reading a stream: got %s", line)
		case !bytes.HasPrefix(line, []byte(`data: {"namespace"`)):
			// The overview shows the changes of before as well.
			continue
		}
		if k, ok := numberIn(line); ok {
			c.seen(&c.events, k, at)
		}
	}
}

// changeAll changes Applications one after the other: those that have a page of their own, and others, in turn.
func (w visitors) changeAll(ctx context.Context, c *changes) error {
	group, ctx := errgroup.WithContext(ctx)
	tick := time.NewTicker(changesEach)
	defer tick.Stop()
	for round := range int(w.idleFor / changesEach) {
		select {
		case <-ctx.Done():
			return errors.Join(group.Wait(), context.Cause(ctx))
		case <-tick.C:
		}
		i := round % w.n
		if round%2 == 0 {
			i = w.watched((round/2*4 + 3) % w.pages)
		}
		group.Go(func() error { return w.changeOne(ctx, c, appName(i)) })
	}
	return group.Wait()
}

func (w visitors) changeOne(ctx context.Context, c *changes, name string) error {
	app := &v1alpha1.Application{}
	app.Namespace, app.Name = control, name
	k := c.begin()
	message := mark + strconv.Itoa(k)
	done := w.apps.expectOne(name, func(app *v1alpha1.Application) bool {
		return app.Status.OperationState != nil && app.Status.OperationState.Message == message
	})
	if err := w.cluster.client.Patch(ctx, app, client.RawPatch("application/merge-patch+json", []byte(`{"status":{"operationState":{"message":"`+message+`"}}}`))); err != nil {
		return err
	}
	shown, err := at(ctx, name+" to change", done)
	if err == nil {
		c.seen(&c.bare, k, shown)
	}
	return err
}

// forgetPeak has the memory at most be counted anew.
func (s *server) forgetPeak() error {
	return os.WriteFile(filepath.Join(s.proc(), "clear_refs"), []byte("5"), 0o600)
}
