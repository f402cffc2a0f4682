package ui_test

import (
	"bytes"
	"cmp"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"maps"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestPictures makes the pictures of the guide anew, where RENEW names the folder for them: make pictures. What they
// show happens on a cluster with real pods while they are taken.
func TestPictures(t *testing.T) {
	folder := os.Getenv("RENEW")
	if folder == "" {
		t.Skip("RENEW is not set; run make pictures")
	}
	needPage(t)
	s := newScene(t)
	s.tell(t.Context())
	hooks := httptest.NewServer(s.hooks())
	t.Cleanup(hooks.Close)
	runNode(t, filepath.Join("test", "pictures.test.mjs"), "PAGE="+strings.TrimSuffix(s.address, "/"), "HOOKS="+hooks.URL, "PASSWORD="+s.password, "SHOP="+shopRepository, "STOREFRONT="+s.activePod(t.Context(), "shop", "storefront"), "RENEW="+folder)
	made, err := filepath.Glob(filepath.Join(folder, "*.png"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range made {
		shrink(t, name)
	}
}

// colours is how many a picture has at most, so that a byte holds one.
const colours = 256

// bucket is a colour with those that nobody could tell from it.
type bucket struct{ r, g, b uint8 }

func bucketOf(c color.Color) bucket {
	r, g, b, _ := c.RGBA()
	return bucket{uint8(r >> 11), uint8(g >> 11), uint8(b >> 11)}
}

// apart is how many colours are chosen by how far they are from others: a sign may be small. The rest are those that a
// picture has most of, for what changes softly.
const apart = 160

// paletteOf returns the colours that stand for those of a picture.
func paletteOf(of image.Image) color.Palette {
	counts := map[color.Color]int{}
	for y := of.Bounds().Min.Y; y < of.Bounds().Max.Y; y++ {
		for x := of.Bounds().Min.X; x < of.Bounds().Max.X; x++ {
			counts[of.At(x, y)]++
		}
	}
	inBucket, most := map[bucket]int{}, map[bucket]color.Color{}
	order := slices.SortedFunc(maps.Keys(counts), func(a, b color.Color) int {
		return cmp.Or(counts[b]-counts[a], strings.Compare(fmt.Sprint(a), fmt.Sprint(b)))
	})
	var buckets []bucket
	for _, c := range order {
		b := bucketOf(c)
		if inBucket[b] == 0 {
			most[b] = c
			buckets = append(buckets, b)
		}
		inBucket[b] += counts[c]
	}
	slices.SortStableFunc(buckets, func(a, b bucket) int { return inBucket[b] - inBucket[a] })
	var palette color.Palette
	chosen := map[color.Color]bool{}
	for _, b := range buckets[:min(len(buckets), apart)] {
		palette, chosen[most[b]] = append(palette, most[b]), true
	}
	for _, c := range order {
		if len(palette) < colours && !chosen[c] {
			palette = append(palette, c)
		}
	}
	return palette
}

// shrink writes a picture again in the colours that it has most of, which is a third of what a browser writes.
func shrink(t *testing.T, name string) {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	picture, err := png.Decode(bytes.NewReader(text))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if _, already := picture.(*image.Paletted); already {
		return
	}
	few := image.NewPaletted(picture.Bounds(), paletteOf(picture))
	index := map[color.Color]uint8{}
	for y := few.Bounds().Min.Y; y < few.Bounds().Max.Y; y++ {
		for x := few.Bounds().Min.X; x < few.Bounds().Max.X; x++ {
			c := picture.At(x, y)
			at, known := index[c]
			if !known {
				at = uint8(few.Palette.Index(c))
				index[c] = at
			}
			few.SetColorIndex(x, y, at)
		}
	}
	var out bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&out, few); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, out.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestThePicturesAreThoseOfTheGuide holds docs/img to what is made anew, and both to what the guide shows.
func TestThePicturesAreThoseOfTheGuide(t *testing.T) {
	script, err := os.ReadFile("test/pictures.test.mjs")
	if err != nil {
		t.Fatal(err)
	}
	made, there := []string{"login.png"}, []string(nil)
	list, _, _ := strings.Cut(string(script[strings.Index(string(script), "const pictures = {"):]), "\n};")
	for _, found := range regexp.MustCompile(`(?m)^  "?([a-z-]+)"?: \[`).FindAllStringSubmatch(list, -1) {
		made = append(made, found[1]+".png")
	}
	files, err := os.ReadDir("../docs/img")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		there = append(there, file.Name())
		if info, err := file.Info(); err != nil || info.Size() > largestPicture {
			t.Errorf("%s: %d bytes, want %d at most (%v)", file.Name(), info.Size(), largestPicture, err)
		}
	}
	slices.Sort(made)
	if !slices.Equal(made, there) {
		t.Errorf("make pictures makes\n%q, docs/img has\n%q", made, there)
	}
	shown := map[string]bool{}
	for _, name := range []string{"README.md", "README.ja.md", "docs/page.md"} {
		text, err := os.ReadFile(filepath.Join("..", name))
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range regexp.MustCompile(`img/([a-z-]+\.png)`).FindAllStringSubmatch(string(text), -1) {
			shown[found[1]] = true
		}
	}
	if of := slices.Sorted(maps.Keys(shown)); !slices.Equal(of, there) {
		t.Errorf("the guide shows\n%q, docs/img has\n%q", of, there)
	}
}

// largestPicture bounds a picture of the guide, in bytes.
const largestPicture = 120 << 10
