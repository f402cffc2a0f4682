package application

import (
	"log/slog"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cyan-cd/cyan/internal/compare"
	"github.com/cyan-cd/cyan/internal/controller/recorder"
	"github.com/cyan-cd/cyan/internal/live"
	"github.com/cyan-cd/cyan/internal/source"
)

// observer looks at what concerns an Application.
type observer struct {
	client   client.Client
	sources  *sources
	clusters *live.Registry
	renderer *compare.Renderer
	// rolledBack names what git wants at the commits that people rolled back.
	rolledBack *compare.Namer
	comparer   *compare.Comparer
	control    string
	now        func() time.Time
	settings   *currentSettings
	verdicts   verdicts
	begun      beginnings
	orphans    orphanLooks
	given      *handOvers
	// follow has an Application be looked at when its repository changes.
	follow func(types.NamespacedName, source.Repository)
}

// reconciler looks at one Application at a time per worker.
type reconciler struct {
	*observer
	newest   *newest
	queue    *enqueuer
	recorder *recorder.Recorder
	log      *slog.Logger
	meters   *meters
	hooks    *heldHooks
	watchdog *Watchdog
	heals    heals
	// settingsRead is closed once the settings are known.
	settingsRead chan struct{}
}
