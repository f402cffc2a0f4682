package dashboard

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/cyan-cd/cyan/internal/cli/term"
	"github.com/cyan-cd/cyan/internal/devloop"
)

// Key is a key that was pressed. Name is what it is called, such as a, enter, up or ctrl+c; Text is what it types.
type Key struct{ Name, Text string }

// longestFilter bounds the text that lines are filtered by, in bytes.
const longestFilter = 200

func (k Key) change(s State) (State, Effect) {
	switch k.Name {
	case "ctrl+c":
		return s.end()
	case "ctrl+z":
		return s, Effect{Do: Suspend}
	}
	switch s.mode {
	case typing:
		return k.typed(s), Effect{}
	case helping, settings:
		s.mode = watching
		if k.Name == "q" {
			return s.end()
		}
		return s, Effect{}
	}
	if to, ok := k.scrolled(s); ok {
		return to, Effect{}
	}
	return k.pressed(s)
}

// end asks the loop to end, and the program when that was asked already.
func (s State) end() (State, Effect) {
	if s.ending {
		return s, Effect{Do: Abandon}
	}
	s.ending = true
	return s, Effect{Do: End}
}

// typed is a key while the filter is typed.
func (k Key) typed(s State) State {
	switch k.Name {
	case "enter":
		s.mode = watching
	case "esc":
		s.mode, s.log.filter = watching, ""
	case "backspace":
		_, size := utf8.DecodeLastRuneInString(s.log.filter)
		s.log.filter = s.log.filter[:len(s.log.filter)-size]
	case "ctrl+u":
		s.log.filter = ""
	default:
		text := strings.ReplaceAll(term.Shown(k.Text), "\n", " ")
		if len(s.log.filter)+len(text) <= longestFilter {
			s.log.filter += text
		}
	}
	return s
}

// scrolled is a key that moves through the logs.
func (k Key) scrolled(s State) (State, bool) {
	page := max(s.logHeight()-1, 1)
	switch k.Name {
	case "up", "k":
		s.log = s.log.scroll(-1)
	case "down", "j":
		s.log = s.log.scroll(1)
	case "pgup":
		s.log = s.log.scroll(-page)
	case "pgdown":
		s.log = s.log.scroll(page)
	case "home", "g":
		s.log = s.log.top(s.logHeight())
	case "end", "G":
		s.log = s.log.follow()
	default:
		return s, false
	}
	return s, true
}

// pressed is a key that asks for something.
func (k Key) pressed(s State) (State, Effect) {
	switch k.Name {
	case "q":
		return s.end()
	case "r":
		return s, Effect{Do: Ask, Command: devloop.Rebuild}
	case "R":
		return s, Effect{Do: Ask, Command: devloop.Restart}
	case "o":
		return s.open(1)
	case "1", "2", "3", "4", "5", "6", "7", "8", "9":
		return s.open(int(k.Name[0] - '0'))
	case "?", "h":
		s.mode = helping
	case "d":
		if len(s.debugged) == 0 {
			return s.answer("no program is debugged; --debug starts Go programs under a debugger"), Effect{}
		}
		s.mode = settings
	case "e":
		s.whole = !s.whole
	default:
		return k.logged(s), Effect{}
	}
	return s, Effect{}
}

// logged is a key that changes how the logs are shown.
func (k Key) logged(s State) State {
	switch k.Name {
	case "/":
		s.mode = typing
	case "esc":
		s.log.filter, s.whole = "", false
		s.log = s.log.follow()
	case "p", "space":
		if s.log.still {
			s.log = s.log.follow()
		} else {
			s.log = s.log.pause()
		}
	case "b":
		s.log.unbuilt = !s.log.unbuilt
	case "w":
		s.log.wrap = !s.log.wrap
	case "c":
		s.log = s.log.clear()
	}
	return s
}

// open opens a port by its number, and answers where there is none.
func (s State) open(number int) (State, Effect) {
	switch {
	case len(s.forwards) == 0:
		return s.answer("no port is forwarded, which a browser could open"), Effect{}
	case number > len(s.forwards):
		return s.answer(fmt.Sprintf("port %d: not forwarded; those above are, 1 to %d", number, len(s.forwards))), Effect{}
	}
	return s, Effect{Do: Open, Address: s.forwards[number-1].address}
}

// answer shows among the logs why a key does nothing.
func (s State) answer(text string) State {
	s.log = s.log.add(line{from: fromLoop, text: "· " + text})
	return s
}
