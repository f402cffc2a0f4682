package dashboard

import (
	"fmt"
	"strings"
)

// keysHelp is what each key does.
var keysHelp = [][2]string{
	{"r", "rebuild and deploy everything"},
	{"R", "restart the pods"},
	{"o, 1–9", "open a forwarded port in the browser"},
	{"d", "settings of editors, with --debug"},
	{"e", "show what is wrong in full"},
	{"/", "filter the logs by text; a capital makes case count"},
	{"p, space", "pause the logs, and go on"},
	{"↑ ↓ PgUp PgDn", "scroll the logs; Home is the oldest line, End the newest"},
	{"w", "show long lines whole"},
	{"b", "with or without what builders print"},
	{"c", "clear the logs"},
	{"esc", "without filter, to the newest line"},
	{"ctrl-z", "to the shell; fg comes back"},
	{"q, ctrl-c", "end, and remove what was made"},
}

// help is the screen of what keys do.
func (s State) help() []string {
	lines := []string{s.theme.Strong("Keys"), ""}
	for _, k := range keysHelp {
		lines = append(lines, fmt.Sprintf("  %s  %s", s.theme.Strong(fmt.Sprintf("%-13s", k[0])), k[1]))
	}
	return s.page(lines)
}

// editorSettings is the screen of how debuggers connect.
func (s State) editorSettings() []string {
	var lines []string
	for _, d := range s.debugged {
		lines = append(lines, s.theme.Strong(d.image), "")
		for _, l := range strings.Split(d.settings, "\n") {
			lines = append(lines, "  "+Linked(s.theme, l, nil))
		}
		lines = append(lines, "")
	}
	return s.page(lines)
}

// page fills the screen with lines, the last of which says how to leave it.
func (s State) page(lines []string) []string {
	lines = shortened(lines, max(s.height-1, 1), "")
	for len(lines) < s.height-1 {
		lines = append(lines, "")
	}
	return append(lines, s.theme.Quiet("any key goes back"))
}
