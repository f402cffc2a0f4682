// Package apply carries decided changes out on one cluster: server-side apply as field manager "cyan", dry runs,
// replacement, deletion with a propagation policy, and the creation of hooks. It decides nothing and waits for
// nothing; what went wrong comes back as an *problem.Error with object, cause and remedy.
package apply
