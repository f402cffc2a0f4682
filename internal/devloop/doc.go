// Package devloop runs what a developer edits: it watches files, builds what has changed, applies it to a namespace of
// the developer's own, and follows the new pods. Package decide says what a change asks for, package desired what
// becomes of the objects.
package devloop
