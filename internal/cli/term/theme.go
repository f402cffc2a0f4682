package term

import (
	"io"

	"github.com/charmbracelet/lipgloss"
	"github.com/muesli/termenv"
)

// Theme colours text. Colour only repeats what a word or an icon shows already.
type Theme struct {
	good, busy, wait, bad, quiet, strong, blue, green lipgloss.Style
}

// Plain has no colours.
func Plain() Theme { return Colours(termenv.Ascii) }

// Colours uses those of a profile.
func Colours(profile termenv.Profile) Theme {
	r := lipgloss.NewRenderer(io.Discard)
	r.SetColorProfile(profile)
	colour := func(c string) lipgloss.Style { return r.NewStyle().Foreground(lipgloss.Color(c)) }
	return Theme{
		good: colour("2"), busy: colour("6"), wait: colour("3"), bad: colour("1"), quiet: colour("8"), strong: r.NewStyle().Bold(true),
		blue: colour("4"), green: colour("2"),
	}
}

// Good is for what is as it should be.
func (t Theme) Good(s string) string { return t.good.Render(s) }

// Busy is for what is on its way.
func (t Theme) Busy(s string) string { return t.busy.Render(s) }

// Wait is for what waits for someone or something.
func (t Theme) Wait(s string) string { return t.wait.Render(s) }

// Bad is for what is wrong.
func (t Theme) Bad(s string) string { return t.bad.Render(s) }

// Quiet is for what matters less.
func (t Theme) Quiet(s string) string { return t.quiet.Render(s) }

// Strong is for titles.
func (t Theme) Strong(s string) string { return t.strong.Render(s) }

// Active is for the version that takes the traffic.
func (t Theme) Active(s string) string { return t.green.Render(s) }

// Preview is for the version beside it.
func (t Theme) Preview(s string) string { return t.blue.Render(s) }
