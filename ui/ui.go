// Package ui holds the files of the page, as they were built into dist.
package ui

import "embed"

// Files are dist/page with the page, where it was built, and dist/missing.html, which is shown in its place.
//
//go:embed all:dist
var Files embed.FS
