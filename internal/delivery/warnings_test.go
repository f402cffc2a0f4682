package delivery_test

import (
	"slices"
	"testing"

	"github.com/cyan-cd/cyan/internal/delivery"
)

func TestWarnings(t *testing.T) {
	const commit = "0123456789abcdef0123"
	files := func(names ...string) delivery.Checkout { return delivery.Checkout{Uncommitted: names} }
	for _, c := range []struct {
		name     string
		checkout delivery.Checkout
		want     []string
	}{
		{"clean and pushed", delivery.Checkout{}, nil},
		{"one file", files("a"), []string{"a is not committed, and so not in what is delivered: commit 0123456789ab is"}},
		{"three files", files("a", "b", "c"), []string{"a, b, c are not committed, and so not in what is delivered: commit 0123456789ab is"}},
		{"many files", files("a", "b", "c", "d", "e"), []string{"a, b, c and 2 more are not committed, and so not in what is delivered: commit 0123456789ab is"}},
		{"not pushed", delivery.Checkout{NotPushed: true}, []string{"commit 0123456789ab is in no remote: others can't find what the image was built of; push it"}},
		{"everything", delivery.Checkout{Uncommitted: []string{"a"}, NotPushed: true}, []string{
			"a is not committed, and so not in what is delivered: commit 0123456789ab is",
			"commit 0123456789ab is in no remote: others can't find what the image was built of; push it",
		}},
	} {
		if got := delivery.Warnings(c.checkout, commit); !slices.Equal(got, c.want) {
			t.Errorf("%s:\ngot  %q\nwant %q", c.name, got, c.want)
		}
	}
}
