// Package skaffold reads what a dev loop is to do: a skaffold.yaml of any version, a cyan.yaml, or, without either, the
// folder itself. Each gives the same value, a [Project], and findings with file, line and column: what is wrong, and
// what is not done as it is written.
//
// Whatever Skaffold's schema has is a row of the tables in this package, which judge it by version. Nothing is passed
// over in silence.
package skaffold
