package api

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"
)

// smallest is the length from which an answer is worth compressing.
const smallest = 1400

// gzips are writers that are used again: each has tables of its own.
var gzips = sync.Pool{New: func() any {
	w, _ := gzip.NewWriterLevel(io.Discard, gzip.BestSpeed) // the level is valid
	return w
}}

// sent is a call as the library has it.
type sent = huma.Context

// kept is a call whose answer is looked at before it is sent.
type kept struct {
	sent
	status int
	body   bytes.Buffer
}

// SetStatus implements huma.Context.
func (k *kept) SetStatus(code int) { k.status = code }

// Status implements huma.Context.
func (k *kept) Status() int { return k.status }

// BodyWriter implements huma.Context.
func (k *kept) BodyWriter() io.Writer { return &k.body }

// Unwrap lets the library find the request.
func (k *kept) Unwrap() huma.Context { return k.sent }

// compact has an answer sent compressed to who reads that, with an ETag, and not at all to who has it already.
func compact(ctx huma.Context, next func(huma.Context)) {
	k := &kept{sent: ctx, status: http.StatusOK}
	next(k)
	ctx.AppendHeader("Vary", "Accept-Encoding")
	if k.status == http.StatusOK {
		sum := sha256.Sum256(k.body.Bytes())
		tag := `W/"` + hex.EncodeToString(sum[:12]) + `"`
		ctx.SetHeader("ETag", tag)
		if hasTag(ctx.Header("If-None-Match"), tag) {
			ctx.SetStatus(http.StatusNotModified)
			return
		}
	}
	if k.body.Len() < smallest || !readsGzip(ctx.Header("Accept-Encoding")) {
		ctx.SetStatus(k.status)
		_, _ = k.body.WriteTo(ctx.BodyWriter()) // a reader who has left
		return
	}
	ctx.SetHeader("Content-Encoding", "gzip")
	ctx.SetStatus(k.status)
	w := gzips.Get().(*gzip.Writer) //nolint:forcetypeassert // the pool has nothing else
	defer gzips.Put(w)
	w.Reset(ctx.BodyWriter())
	_, _ = k.body.WriteTo(w)
	_ = w.Close()
}

// hasTag reports whether a list of ETags has one of them.
func hasTag(list, tag string) bool {
	for each := range strings.SplitSeq(list, ",") {
		if each = strings.TrimSpace(each); each == "*" || strings.TrimPrefix(each, "W/") == strings.TrimPrefix(tag, "W/") {
			return true
		}
	}
	return false
}

// readsGzip reports whether a list of encodings has gzip, and does not exclude it.
func readsGzip(list string) bool {
	for each := range strings.SplitSeq(list, ",") {
		name, parameters, _ := strings.Cut(each, ";")
		if strings.TrimSpace(name) != "gzip" {
			continue
		}
		weight, weighted := strings.CutPrefix(strings.ReplaceAll(parameters, " ", ""), "q=")
		q, err := strconv.ParseFloat(weight, 64)
		return !weighted || err == nil && q > 0
	}
	return false
}
