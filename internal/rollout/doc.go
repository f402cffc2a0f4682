// Package rollout decides how a Rollout replaces its pods: what all strategies share.
//
// An [Observation] is what was read of the cluster at one time. [NewState] draws from it what every strategy asks:
// which ReplicaSet is desired, stable and active, whether the last switch has converged, what people have asked for. A
// [Strategy] takes the State and returns an [Outcome]. [Decide] makes a [Decision] of both: actions in order, the next
// status, events, and when to look again. Each of them is a value, made once and never changed.
//
// Nothing is kept between two decisions. Every action can be repeated, and a decision is right whatever part of the one
// before it was carried out, so that a controller may be stopped at any instruction.
//
// What the active Service selects is taken from the Service itself, never from what was meant to be written. Actions
// that could cost a request (a cut-over, a scale-down, an eviction) carry a check that is made again on a [LiveState]
// just before they are carried out.
package rollout
