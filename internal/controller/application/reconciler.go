package application

import (
	"log/slog"
	"time"

	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/internal/compare"
	"github.com/cyan-cd/cyan/internal/live"
)

// reconciler looks at one Application at a time per worker.
type reconciler struct {
	client   client.Client
	newest   *newest
	queue    *enqueuer
	recorder events.EventRecorder
	sources  *sources
	clusters *live.Registry
	renderer *compare.Renderer
	comparer *compare.Comparer
	control  string
	now      func() time.Time
	log      *slog.Logger
	meters   *meters
	hooks    *heldHooks
	settings *currentSettings
	verdicts verdicts
	watchdog *Watchdog
	// settingsRead is closed once the settings are known.
	settingsRead chan struct{}
}
