package counter_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/cyan-cd/cyan/examples/request-counter/internal/counter"
)

func start(t *testing.T) (*counter.Server, *httptest.Server, *miniredis.Miniredis) {
	store := miniredis.RunT(t)
	client := redis.NewClient(&redis.Options{Addr: store.Addr(), MaxRetries: -1, DialerRetries: 1, DialTimeout: 200 * time.Millisecond})
	t.Cleanup(func() { client.Close() })
	app := &counter.Server{Version: "v7", Pod: "pod-1", Redis: client, Log: slog.New(slog.DiscardHandler)}
	server := httptest.NewServer(app.Handler())
	t.Cleanup(server.Close)
	return app, server, store
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	answer, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(body)
}

func TestEveryRequestCounts(t *testing.T) {
	app, server, store := start(t)
	events := store.NewSubscriber()
	defer events.Close()
	events.Subscribe(counter.Channel)
	// A publisher waits until its message is taken.
	heard := make(chan miniredis.PubsubMessage, 10)
	go func() {
		for m := range events.Messages() {
			heard <- m
		}
	}()
	app.Start(t.Context())
	if m := <-heard; m.Message != "start v7 pod-1" {
		t.Errorf("published %q", m.Message)
	}
	for want := int64(1); want <= 3; want++ {
		status, body := get(t, server.URL+"/")
		<-heard
		var answer counter.Answer
		if err := json.Unmarshal([]byte(body), &answer); err != nil || status != 200 {
			t.Fatalf("%d %s: %v", status, body, err)
		}
		if answer != (counter.Answer{Version: "v7", Pod: "pod-1", Count: want}) {
			t.Errorf("got %+v", answer)
		}
	}
}

func TestWithoutRedisItIsNotReady(t *testing.T) {
	_, server, store := start(t)
	if status, _ := get(t, server.URL+"/ready"); status != 200 {
		t.Errorf("ready answers %d", status)
	}
	store.Close()
	if status, body := get(t, server.URL+"/ready"); status != 503 || !strings.Contains(body, "redis") {
		t.Errorf("ready answers %d %s", status, body)
	}
	if status, _ := get(t, server.URL+"/live"); status != 200 {
		t.Errorf("live answers %d", status)
	}
	if status, _ := get(t, server.URL+"/"); status != 502 {
		t.Errorf("the page answers %d", status)
	}
}

func TestDrainingLosesNoRequest(t *testing.T) {
	app, server, _ := start(t)
	ctx, stop := context.WithCancel(t.Context())
	var failed, done atomic.Int64
	var clients sync.WaitGroup
	for range 4 {
		clients.Go(func() {
			for ctx.Err() == nil {
				answer, err := http.Get(server.URL)
				if err != nil || answer.StatusCode != 200 {
					failed.Add(1)
				}
				if err == nil {
					answer.Body.Close()
				}
				done.Add(1)
			}
		})
	}
	app.Drain(ctx, 200*time.Millisecond)
	if status, _ := get(t, server.URL+"/ready"); status != 503 {
		t.Errorf("while draining, ready answers %d", status)
	}
	stop()
	clients.Wait()
	if failed.Load() > 0 || done.Load() == 0 {
		t.Errorf("%d of %d requests failed", failed.Load(), done.Load())
	}
}
