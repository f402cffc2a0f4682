package term

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
	"sync"
)

// Theme colours text. Colour only repeats what a word or an icon shows already.
type Theme struct{ coloured, linked bool }

// Plain has no colours.
func Plain() Theme { return Theme{} }

// Colours uses the basic ones, which people choose for their terminal. A Writer shows them.
func Colours() Theme { return Theme{coloured: true} }

// Linked is the same Theme with links, for a terminal.
func (t Theme) Linked() Theme {
	t.linked = true
	return t
}

// mark begins a colour of this process: an escape sequence whose first number nobody else can know, so that foreign
// text has no colours. A terminal that gets to see it passes over that number.
var mark = sync.OnceValue(func() string {
	var number [8]byte
	_, _ = rand.Read(number[:])
	return fmt.Sprintf("\x1b[%d;", binary.BigEndian.Uint64(number[:])>>1)
})

// Select Graphic Rendition, as ECMA-48 numbers it.
const (
	reset  = 0
	strong = 1
	red    = 31
	green  = 32
	yellow = 33
	blue   = 34
	cyan   = 36
	grey   = 90
)

// link begins the code of a link, which stands where that of a colour does: behind it are the bytes of the address,
// three digits each. Alone it ends a link.
const link = "008"

// Link has text lead to an address, where the terminal can do that.
func (t Theme) Link(address, text string) string {
	if !t.linked || address == "" || text == "" {
		return text
	}
	var code strings.Builder
	for _, b := range []byte(address) {
		fmt.Fprintf(&code, "%03d", b)
	}
	return mark() + link + code.String() + "m" + text + mark() + link + "m"
}

// address returns that of the code of a link. What is not a printable character of ASCII is left out: an address has
// none.
func address(code string) string {
	var text []byte
	for digits := strings.TrimPrefix(code, link); len(digits) >= 3; digits = digits[3:] {
		if b, err := strconv.ParseUint(digits[:3], 10, 8); err == nil && b > ' ' && b < 0x7f {
			text = append(text, byte(b))
		}
	}
	return string(text)
}

func (t Theme) render(code int, s string) string {
	if !t.coloured || s == "" {
		return s
	}
	on, off := fmt.Sprint(mark(), code, "m"), fmt.Sprint(mark(), reset, "m")
	return on + strings.ReplaceAll(s, "\n", off+"\n"+on) + off
}

// Good is for what is as it should be.
func (t Theme) Good(s string) string { return t.render(green, s) }

// Busy is for what is on its way.
func (t Theme) Busy(s string) string { return t.render(cyan, s) }

// Wait is for what waits for someone or something.
func (t Theme) Wait(s string) string { return t.render(yellow, s) }

// Bad is for what is wrong.
func (t Theme) Bad(s string) string { return t.render(red, s) }

// Quiet is for what matters less.
func (t Theme) Quiet(s string) string { return t.render(grey, s) }

// Strong is for titles.
func (t Theme) Strong(s string) string { return t.render(strong, s) }

// Shade colours text by one of several colours, the same for the same number: for what is told apart and means nothing.
func (t Theme) Shade(number int, s string) string {
	return t.render(shades[number%len(shades)], s)
}

// shades are those that neither stand for good nor for bad.
var shades = []int{cyan, 35, blue, 96, 95, 94}

// Active is for the version that takes the traffic.
func (t Theme) Active(s string) string { return t.render(green, s) }

// Preview is for the version beside it.
func (t Theme) Preview(s string) string { return t.render(blue, s) }
