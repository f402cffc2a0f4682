package v1alpha1

import (
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
)

func source(url string) ApplicationSource { return ApplicationSource{RepoURL: url} }

func pointer[T any](v T) *T { return &v }

func TestTheSourcesAreOneListWhicheverFieldHoldsThem(t *testing.T) {
	for name, c := range map[string]struct {
		one     *ApplicationSource
		several []ApplicationSource
		want    []ApplicationSource
	}{
		"none":                   {nil, nil, nil},
		"source":                 {pointer(source("a")), nil, []ApplicationSource{source("a")}},
		"an empty list is none":  {pointer(source("a")), []ApplicationSource{}, []ApplicationSource{source("a")}},
		"sources":                {nil, []ApplicationSource{source("a"), source("b")}, []ApplicationSource{source("a"), source("b")}},
		"sources replace source": {pointer(source("a")), []ApplicationSource{source("b")}, []ApplicationSource{source("b")}},
	} {
		t.Run(name, func(t *testing.T) {
			for object, got := range map[string][]ApplicationSource{
				"spec":       (&ApplicationSpec{Source: c.one, Sources: c.several}).GetSources(),
				"operation":  (&SyncOperation{Source: c.one, Sources: c.several}).GetSources(),
				"history":    (&RevisionHistory{Source: c.one, Sources: c.several}).GetSources(),
				"comparedTo": (&ComparedTo{Source: c.one, Sources: c.several}).GetSources(),
			} {
				if !equality.Semantic.DeepEqual(got, c.want) {
					t.Errorf("%s: got %v, want %v", object, got, c.want)
				}
			}
		})
	}
	if got := (*SyncOperation)(nil).GetSources(); got != nil {
		t.Errorf("no operation: got %v", got)
	}
}

func TestTheSourceOfASync(t *testing.T) {
	bring := func(sources ...ApplicationSource) *Operation {
		return &Operation{Sync: &SyncOperation{Sources: sources}}
	}
	for name, c := range map[string]struct {
		spec      []ApplicationSource
		operation *Operation
		want      string
		ok        bool
	}{
		"the spec's":                         {[]ApplicationSource{source("a")}, nil, "a", true},
		"none":                               {nil, nil, "", false},
		"two":                                {[]ApplicationSource{source("a"), source("b")}, nil, "", false},
		"the operation's":                    {[]ApplicationSource{source("a")}, bring(source("b")), "b", true},
		"an operation that brings none":      {[]ApplicationSource{source("a")}, bring(), "a", true},
		"an operation that is not a sync":    {[]ApplicationSource{source("a")}, &Operation{}, "a", true},
		"the operation's, though it has two": {[]ApplicationSource{source("a")}, bring(source("b"), source("c")), "", false},
	} {
		t.Run(name, func(t *testing.T) {
			app := &Application{Spec: ApplicationSpec{Sources: c.spec}, Operation: c.operation}
			if got, ok := app.SyncSource(); got.RepoURL != c.want || ok != c.ok {
				t.Errorf("got %q %v, want %q %v", got.RepoURL, ok, c.want, c.ok)
			}
		})
	}
}

func TestAutomation(t *testing.T) {
	for name, c := range map[string]struct {
		policy *SyncPolicy
		want   *Automation
	}{
		"no policy":      {nil, nil},
		"not automated":  {&SyncPolicy{}, nil},
		"automated":      {&SyncPolicy{Automated: &AutomatedSync{}}, &Automation{}},
		"enabled: true":  {&SyncPolicy{Automated: &AutomatedSync{Enabled: pointer(true)}}, &Automation{}},
		"enabled: false": {&SyncPolicy{Automated: &AutomatedSync{Enabled: pointer(false), SelfHeal: pointer(true)}}, nil},
		"pruning":        {&SyncPolicy{Automated: &AutomatedSync{Prune: pointer(true), SelfHeal: pointer(false)}}, &Automation{Prune: true}},
		"healing":        {&SyncPolicy{Automated: &AutomatedSync{SelfHeal: pointer(true), AllowEmpty: pointer(false)}}, &Automation{SelfHeal: true}},
		"emptying":       {&SyncPolicy{Automated: &AutomatedSync{AllowEmpty: pointer(true), Prune: pointer(false)}}, &Automation{AllowEmpty: true}},
	} {
		t.Run(name, func(t *testing.T) {
			spec := &ApplicationSpec{SyncPolicy: c.policy}
			if got := spec.IsAutomated(); got != (c.want != nil) {
				t.Errorf("IsAutomated: got %v, want %v", got, c.want)
			}
			if got := spec.Automation(); (got != nil) != (c.want != nil) || got != nil && *got != *c.want {
				t.Errorf("Automation: got %v, want %v", got, c.want)
			}
		})
	}
}

func TestSyncOptionsOfAnApplication(t *testing.T) {
	if got := (&ApplicationSpec{}).GetSyncOptions(); got != nil {
		t.Errorf("no policy: got %v", got)
	}
	spec := &ApplicationSpec{SyncPolicy: &SyncPolicy{SyncOptions: []string{"Prune=false"}}}
	if got := spec.GetSyncOptions(); len(got) != 1 || got[0] != "Prune=false" {
		t.Errorf("got %v", got)
	}
}

func TestTheStrategyOfARollout(t *testing.T) {
	blueGreen := &BlueGreenStrategy{ActiveService: "active", PreviewService: "preview"}
	for name, c := range map[string]struct {
		strategy RolloutStrategy
		want     StrategyType
		services [2]string
	}{
		"none":       {RolloutStrategy{}, "", [2]string{}},
		"blue-green": {RolloutStrategy{BlueGreen: blueGreen}, StrategyBlueGreen, [2]string{"active", "preview"}},
		"canary":     {RolloutStrategy{Canary: &CanaryStrategy{}}, StrategyCanary, [2]string{}},
		"two":        {RolloutStrategy{BlueGreen: blueGreen, Canary: &CanaryStrategy{}}, StrategyBlueGreen, [2]string{"active", "preview"}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := c.strategy.Type(); got != c.want {
				t.Errorf("Type: got %q, want %q", got, c.want)
			}
			if got := [2]string{c.strategy.ActiveService(), c.strategy.PreviewService()}; got != c.services {
				t.Errorf("services: got %v, want %v", got, c.services)
			}
		})
	}
}

func TestWhenAStrategyPromotesByItself(t *testing.T) {
	blueGreen := func(enabled *bool) RolloutStrategy {
		return RolloutStrategy{BlueGreen: &BlueGreenStrategy{AutoPromotionEnabled: enabled, AutoPromotionSeconds: 3}}
	}
	for name, c := range map[string]struct {
		strategy RolloutStrategy
		want     time.Duration
	}{
		"none":                        {RolloutStrategy{}, 0},
		"after its pause":             {blueGreen(nil), 3 * time.Second},
		"after its pause, as written": {blueGreen(pointer(true)), 3 * time.Second},
		"by a person":                 {blueGreen(pointer(false)), 0},
	} {
		t.Run(name, func(t *testing.T) {
			if got := c.strategy.PromotesAfter(); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}
