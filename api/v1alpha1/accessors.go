package v1alpha1

import (
	"slices"
	"time"
)

// GetSources returns the sources of an Application, whichever of the two fields they stand in: sources replaces source.
func (s *ApplicationSpec) GetSources() []ApplicationSource { return sourcesOf(s.Source, s.Sources) }

// GetSources returns the sources that an operation brings in place of the Application's own; none for most.
func (o *SyncOperation) GetSources() []ApplicationSource {
	if o == nil {
		return nil
	}
	return sourcesOf(o.Source, o.Sources)
}

// GetSources returns the sources that were deployed.
func (h *RevisionHistory) GetSources() []ApplicationSource { return sourcesOf(h.Source, h.Sources) }

// GetSources returns the sources that the cluster was compared with.
func (c *ComparedTo) GetSources() []ApplicationSource { return sourcesOf(c.Source, c.Sources) }

func sourcesOf(one *ApplicationSource, several []ApplicationSource) []ApplicationSource {
	switch {
	case len(several) > 0:
		return several
	case one != nil:
		return []ApplicationSource{*one}
	}
	return nil
}

// SyncSource returns the source that a sync of the Application renders: the operation's own where it brings one, else
// that of the spec. The second result is false when there is not exactly one.
func (a *Application) SyncSource() (ApplicationSource, bool) {
	sources := a.Spec.GetSources()
	if a.Operation != nil {
		if own := a.Operation.Sync.GetSources(); len(own) > 0 {
			sources = own
		}
	}
	if len(sources) != 1 {
		return ApplicationSource{}, false
	}
	return sources[0], true
}

// OmitsResources reports whether an Application has more resources than its status lists.
func (a *Application) OmitsResources() bool {
	return slices.ContainsFunc(a.Status.Conditions, func(c ApplicationCondition) bool { return c.Type == ConditionOmittedResourceWarning })
}

// Automation is how far automated sync goes.
type Automation struct{ Prune, SelfHeal, AllowEmpty bool }

// Automation returns how far automated sync goes; nil when the Application is synced by people alone.
func (s *ApplicationSpec) Automation() *Automation {
	if s.SyncPolicy == nil || s.SyncPolicy.Automated == nil {
		return nil
	}
	if enabled := s.SyncPolicy.Automated.Enabled; enabled != nil && !*enabled {
		return nil
	}
	auto := s.SyncPolicy.Automated
	return &Automation{Prune: isTrue(auto.Prune), SelfHeal: isTrue(auto.SelfHeal), AllowEmpty: isTrue(auto.AllowEmpty)}
}

func isTrue(b *bool) bool { return b != nil && *b }

// IsAutomated reports whether an Application is synced without being asked.
func (s *ApplicationSpec) IsAutomated() bool { return s.Automation() != nil }

// GetSyncOptions returns the options of every sync of the Application, of the form Name=value.
func (s *ApplicationSpec) GetSyncOptions() []string {
	if s.SyncPolicy == nil {
		return nil
	}
	return s.SyncPolicy.SyncOptions
}

// StrategyType is the way in which a Rollout replaces its pods.
type StrategyType string

// The values of StrategyType, as tools print them.
const (
	StrategyBlueGreen StrategyType = "BlueGreen"
	StrategyCanary    StrategyType = "Canary"
)

// Type returns the strategy that is given; empty when there is none, and blue-green when there are two.
func (s *RolloutStrategy) Type() StrategyType {
	switch {
	case s.BlueGreen != nil:
		return StrategyBlueGreen
	case s.Canary != nil:
		return StrategyCanary
	}
	return ""
}

// ActiveService returns the name of the Service that takes the traffic; empty when the strategy names none.
func (s *RolloutStrategy) ActiveService() string {
	if s.BlueGreen == nil {
		return ""
	}
	return s.BlueGreen.ActiveService
}

// PreviewService returns the name of the Service that shows the new pods before they take the traffic; empty when the
// strategy names none.
func (s *RolloutStrategy) PreviewService() string {
	if s.BlueGreen == nil {
		return ""
	}
	return s.BlueGreen.PreviewService
}

// PromotesAfter returns how long a version that is ready waits before it is promoted by itself; zero when it does not
// wait, or waits for a person.
func (s *RolloutStrategy) PromotesAfter() time.Duration {
	if s.BlueGreen == nil {
		return 0
	}
	if enabled := s.BlueGreen.AutoPromotionEnabled; enabled != nil && !*enabled {
		return 0
	}
	return time.Duration(s.BlueGreen.AutoPromotionSeconds) * time.Second
}
