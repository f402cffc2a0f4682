package view

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/cyan-cd/cyan/api/v1alpha1"
)

// needs is what somebody is told of an Application, without the template.
func needs(reason Reason, message, since string) Attention {
	return Attention{Reason: reason, Message: message, Since: since}
}

// checkSaid fails where a template does not say what the message beside it says.
func checkSaid(t *testing.T, message string, said *Said) {
	t.Helper()
	if said == nil {
		return
	}
	template, found := templates[said.Code]
	if !found {
		t.Errorf("template %q: not found", said.Code)
	}
	if got := filled(template, said.Args); got != message && capitalised(got) != message {
		t.Errorf("template %s: got %q, want %q", said.Code, got, message)
	}
	if strings.ContainsAny(message, "{}") {
		t.Errorf("template %s: something was not filled in: %q", said.Code, message)
	}
}

func TestFilled(t *testing.T) {
	for _, c := range []struct {
		name, template, want string
		args                 map[string]string
	}{
		{"nothing to fill in", "it waits", "it waits", nil},
		{"a name", "Service {name} is switched", "Service web is switched", map[string]string{"name": "web"}},
		{"two names, one twice", "{a} to {b}, {a}", "x to y, x", map[string]string{"a": "x", "b": "y"}},
		{"a name without a value", "pods of {name}.", "pods of .", nil},
		{"a value with braces is not filled in", "{a} {b}", "{b} y", map[string]string{"a": "{b}", "b": "y"}},
		{"a choice", "{n, select, NONE {nothing} other {revision {n}}} goes", "nothing goes", map[string]string{"n": "NONE"}},
		{"another choice", "{n, select, NONE {nothing} other {revision {n}}} goes", "revision 3 goes", map[string]string{"n": "3"}},
		{"other before the choice", "{n, select, other {some} NONE {nothing}}", "nothing", map[string]string{"n": "NONE"}},
		{"an empty choice", "a{n, select, NONE {} other {; b}}.", "a.", map[string]string{"n": "NONE"}},
		{"a brace that is not closed", "a {name", "a x", map[string]string{"name": "x"}},
		{"a choice without other", "a{n, select, NONE {b}}", "a", map[string]string{"n": "1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := filled(c.template, c.args); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// told returns a Rollout as it was seen, all of which is said by templates.
func told(t *testing.T, v RolloutView) RolloutView {
	t.Helper()
	for _, g := range v.Gates {
		if g.Said == nil {
			t.Errorf("gate %s: no template for %q", g.Name, g.Message)
		}
		checkSaid(t, g.Message, g.Said)
	}
	for _, a := range v.Actions {
		if a.EffectSaid == nil || (a.Reason == "") != (a.ReasonSaid == nil) {
			t.Errorf("action %s: no template for %q or %q", a.Name, a.Effect, a.Reason)
		}
		checkSaid(t, a.Effect, a.EffectSaid)
		checkSaid(t, a.Reason, a.ReasonSaid)
	}
	return v
}

func TestARightThatIsMissingHasNoTemplate(t *testing.T) {
	a := Action{Name: Promote, Enabled: true, ReasonSaid: &Said{Code: "not.waiting"}}.Denied("permission denied: x")
	if a.Enabled || a.Reason != "permission denied: x" || a.ReasonSaid != nil {
		t.Errorf("got %+v", a)
	}
}

// A cause that names what to do about it is told as it is.
func TestCaused(t *testing.T) {
	for _, c := range []struct{ name, object, cause, want, code string }{
		{"a cause", "Application shop", "refused", "Application shop: refused; correct it in git, or sync again", "cause.SyncError"},
		{"a cause with its own object", "Application shop", "Service web: port 0", "Service web: port 0; correct it in git, or sync again", "cause.SyncError"},
		{"a cause with the same object", "Application shop", "Application shop: gone", "Application shop: gone; correct it in git, or sync again", "cause.SyncError"},
		{"a cause with its own remedy", "Application shop", "gone; bring it back", "Application shop: gone; bring it back", ""},
		{"a cause that ends", "Application shop", "gone.\n", "Application shop: gone; correct it in git, or sync again", "cause.SyncError"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := caused(c.object, c.cause, "cause."+v1alpha1.ConditionSyncError)
			code := ""
			if got.Said != nil {
				code = got.Said.Code
			}
			if got.Text != c.want || code != c.code {
				t.Errorf("got  %q by %q\nwant %q by %q", got.Text, code, c.want, c.code)
			}
			checkSaid(t, got.Text, got.Said)
		})
	}
}

// What is too long is cut in its cause: what to do stays, whoever has said it.
func TestLongCausesKeepTheirRemedy(t *testing.T) {
	long := strings.Repeat("é", longestText)
	for _, c := range []struct{ name, object, cause, end string }{
		{"the remedy of a template", "Application shop", long, "é…; correct it in git, or sync again"},
		{"its own remedy", "Application shop", long + "; bring it back", "é…; bring it back"},
		{"a long object", long, "gone", "; correct it in git, or sync again"},
		{"a remedy without end", "Application shop", "gone; " + long, "é…"},
	} {
		got := caused(c.object, c.cause, "cause."+v1alpha1.ConditionSyncError)
		if len(got.Text) > longestText+len("…") || !strings.HasSuffix(got.Text, c.end) || !utf8.ValidString(got.Text) {
			t.Errorf("%s: got %d bytes that end with %q, want %q", c.name, len(got.Text), got.Text[max(0, len(got.Text)-50):], c.end)
		}
		checkSaid(t, got.Text, got.Said)
	}
	if exact := strings.Repeat("x", longestText-len("a: ; b")); caused("a", exact+"; b", "").Text != "a: "+exact+"; b" {
		t.Error("what just fits was cut")
	}
}

// Of two values that are as long as each other the first by name is cut, each time, and no more than has to be.
func TestOneOfTwoLongValuesIsCut(t *testing.T) {
	long := strings.Repeat("x", longestText/2)
	for range 20 {
		s := say("effect.promote", "active", long, "newest", long)
		if cut := s.Said.Args["active"]; s.Said.Args["newest"] != long || !strings.HasSuffix(cut, "…") || len(s.Text) != longestText {
			t.Fatalf("got %d bytes, %q and %q", len(s.Text), cut, s.Said.Args["newest"])
		}
	}
	one := say("effect.promote", "active", "x", "newest", "1")
	fits := strings.Repeat("x", longestText-len(one.Text)+1)
	if s := say("effect.promote", "active", fits, "newest", "1"); s.Said.Args["active"] != fits || len(s.Text) != longestText {
		t.Errorf("what just fits was cut to %d of %d", len(s.Text), longestText)
	}
	if got := len(Templates()); got != len(templates) || Templates()["effect.promote"] != templates["effect.promote"] {
		t.Errorf("%d templates of %d", got, len(templates))
	}
}

func TestTemplatesAreCopied(t *testing.T) {
	all := Templates()
	clear(all)
	if len(templates) == 0 {
		t.Error("who asks for the templates can change them")
	}
}

// A sentence begins with a capital, where it begins with a letter that has one.
func TestWhatBeginsASentence(t *testing.T) {
	for text, want := range map[string]string{"": "", "abort": "Abort", "zone web": "Zone web", "Abort": "Abort", "`x": "`x", "{x": "{x", "1 pod": "1 pod"} {
		if got := capitalised(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}
