// Package compare is the one way from a source to how an Application stands: a commit is rendered, validated, looked
// for in the cluster, and tried there by a dry run; what comes out is a [Comparison], a value. The controller of
// Applications, deliveries and the commands all go this way, so that they see the same objects and the same
// differences.
//
// [Renderer] makes the objects of a commit, [Comparer] does the rest. A Comparison that is not complete says why in
// its problems.
package compare
