// Package room is mutated by the tests of mutate.
package room

import "errors"

type size struct {
	Width, Height int
	Label         string
}

var errEmpty = errors.New("empty")

func fits(width, limit int) bool {
	return width <= limit
}

func measure(words []string, label string) (size, error) {
	if len(words) == 0 {
		return size{}, errEmpty
	}
	s := size{Height: len(words), Label: label}
	for _, word := range words {
		if len(word) == 1 && word != "a" {
			continue
		}
		s.Width += len(word) + 1
	}
	return s, nil
}

func never() string { return "not called" }
