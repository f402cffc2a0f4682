package api

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/cyan-cd/cyan/internal/doctor"
	"github.com/cyan-cd/cyan/internal/doctor/decide"
)

// diagnosis is what a check of the installation has found.
type diagnosis struct {
	Name    string `json:"name"`
	State   string `json:"state" enum:"ok,warning,failed"`
	Message string `json:"message"`
	Remedy  string `json:"remedy,omitempty"`
}

var diagnosed = map[decide.Status]string{decide.OK: "ok", decide.Warn: "warning", decide.Fail: "failed"}

const (
	// examineHolds is how long an examination is shown, examineTimeout how long one may take, and examinePatience how long
	// a call waits for one.
	examineHolds, examineTimeout, examinePatience = time.Minute, 20 * time.Second, 6 * time.Second
)

// examined is an installation as it was examined last, for all who look.
type examined struct {
	mu   sync.Mutex
	last examination
	made time.Time
	// making is closed when the one that is being made is done; nil while none is.
	making chan struct{}
}

// examination is what the checks have found, and the version of the cluster.
type examination struct {
	found      []diagnosis
	kubernetes string
}

// current returns an examination of the last minute, as far as one comes soon, and else the one before.
func (e *examined) current(ctx context.Context, s *service) examination {
	e.mu.Lock()
	if time.Since(e.made) < examineHolds {
		defer e.mu.Unlock()
		return e.last
	}
	if e.making == nil {
		e.making = make(chan struct{})
		// Others see what comes of it, whoever leaves.
		go e.make(context.WithoutCancel(ctx), s)
	}
	making := e.making
	e.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, examinePatience)
	defer cancel()
	select {
	case <-making:
	case <-ctx.Done():
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.last.found == nil {
		return examination{found: []diagnosis{{Name: "checks", State: diagnosed[decide.Warn], Message: "being made", Remedy: "look again in a moment"}}}
	}
	return e.last
}

func (e *examined) make(ctx context.Context, s *service) {
	ctx, cancel := context.WithTimeout(ctx, examineTimeout)
	defer cancel()
	results, kubernetes := s.examine(ctx)
	made := examination{kubernetes: kubernetes}
	for _, r := range results {
		made.found = append(made.found, diagnosis{r.Check, diagnosed[r.Status], r.Message, r.Remedy})
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.last, e.made = made, time.Now()
	close(e.making)
	e.making = nil
}

// examine makes the checks of `cyan doctor` as this server, but for registries: images name any host, and it is nodes
// that ask them.
func (s *service) examine(ctx context.Context) (results []decide.Result, kubernetes string) {
	results = []decide.Result{doctor.Git(ctx)}
	kubernetes, skew, err := doctor.Server(ctx, s.Clusters.Home, examineTimeout)
	if err != nil {
		return append(results, failed("cluster", "asking for its version", err)), ""
	}
	results = append(results, decide.Good("cluster", "answers, Kubernetes "+kubernetes), decide.Clock(skew))
	if denied, err := doctor.Denied(ctx, s.Writer); err != nil {
		results = append(results, failed("rights", "asking for them", err))
	} else {
		results = append(results, decide.Rights(denied))
	}
	found, err := doctor.Read(ctx, s.Writer, s.Namespace)
	if err != nil {
		return append(results, failed("objects", "reading them", err)), kubernetes
	}
	results = append(results, decide.Controllers(found.Working()))
	results = append(results, s.examineRepositories(ctx, found.Uses)...)
	if published, err := doctor.PublishedKeys(ctx, s.Writer, s.Namespace); err != nil {
		results = append(results, failed("signatures", "reading the public keys", err))
	} else {
		results = append(results, decide.Signatures(found.Projects, published, doctor.HasProgram)...)
	}
	return append(results, decide.Unsupported(found.Findings)...), kubernetes
}

// failed returns the result of a check that could not be made, of which strangers to the log are told in general.
func failed(check, doing string, err error) decide.Result {
	return decide.Result{Check: check, Status: decide.Fail, Message: doing + ": " + causeOf(err), Remedy: "see the log of the server"}
}

// examineRepositories judges the answers of repositories that were asked in the last minutes, and asks the others.
func (s *service) examineRepositories(ctx context.Context, uses decide.Uses) []decide.Result {
	all, left := uses.Repositories()
	ctx, cancel := context.WithTimeout(ctx, lookPatience)
	defer cancel()
	failures := map[string]error{}
	var asked []decide.Repository
	for _, r := range all {
		switch state := s.connections.ask(ctx, "application/"+r.Project+"/"+r.URL, r.Project, r.URL, lookHolds); state.Status {
		case "Unknown":
			left++
			continue
		case "Failed":
			failures[r.URL] = errors.New(state.Message)
		}
		asked = append(asked, r)
	}
	if len(asked) == 0 && left > 0 {
		return []decide.Result{{Check: "repositories", Status: decide.Warn, Message: "no one has answered yet", Remedy: "look again in a moment"}}
	}
	return decide.Repositories(asked, left, failures)
}
