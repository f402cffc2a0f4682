package auth

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Bounds of what is kept about sessions that were ended: all of it fits a ConfigMap of a megabyte.
const (
	mostRevoked           = 4000
	mostRevokedPerSubject = 32
	mostRevokedHere       = 1000
)

// revoked are the sessions that were ended before their time. They are kept in ConfigMap cyan-revoked-tokens until they
// would have expired, so that every replica knows them, and after a restart. Entries are digests; where a subject has
// more than a few, they become one entry that ends all of its sessions begun until then, and where there are too many
// subjects, one that ends all sessions.
//
//	id.DIGEST-OF-TOKEN-ID:  EXPIRES DIGEST-OF-SUBJECT
//	subject.DIGEST:         EXPIRES BEGUN-UNTIL
//	all:                    EXPIRES BEGUN-UNTIL
type revoked struct {
	objects Objects
	now     func() time.Time

	mu sync.Mutex
	// here are those that were ended here, by the keys above: a cache may not have them yet.
	here map[string]string
}

func newRevoked(objects Objects, now func() time.Time) *revoked {
	return &revoked{objects: objects, now: now, here: map[string]string{}}
}

const (
	idPrefix      = "id."
	subjectPrefix = "subject."
	everybodyKey  = "all"
)

// ended is an entry.
type ended struct {
	expires int64
	// until is the last second in which a session began that has ended; 0 for the entry of a single one.
	until   int64
	subject string
}

func parseEnded(key, text string) (ended, bool) {
	first, second, _ := strings.Cut(text, " ")
	expires, err := strconv.ParseInt(first, 10, 64)
	if err != nil {
		return ended{}, false
	}
	e := ended{expires: expires}
	if strings.HasPrefix(key, idPrefix) {
		e.subject = second
		return e, true
	}
	e.until, err = strconv.ParseInt(second, 10, 64)
	return e, err == nil
}

func (e ended) String() string {
	if e.until == 0 {
		return fmt.Sprintf("%d %s", e.expires, e.subject)
	}
	return fmt.Sprintf("%d %d", e.expires, e.until)
}

// subjectDigest names a subject of an issuer.
func subjectDigest(issuer, name string) string { return digest(issuer + "\n" + name)[:16] }

// add ends a session, and those that it was renewed to: the latest of them expires when a session of now would.
func (r *revoked) add(ctx context.Context, id Identity, duration time.Duration) error {
	expires := r.now().Add(duration)
	if id.Expires.After(expires) {
		expires = id.Expires
	}
	key, entry := idPrefix+digest(id.TokenID), ended{expires: expires.Add(leeway).Unix(), subject: subjectDigest(id.Issuer, id.Name)}
	r.remember(key, entry.String())
	err := r.objects.UpdateConfigMap(ctx, RevokedName, func(data map[string]string) error {
		data[key] = entry.String()
		r.tidy(data)
		return nil
	})
	if err != nil {
		return fmt.Errorf("writing ConfigMap %s: %w", RevokedName, err)
	}
	return nil
}

func (r *revoked) remember(key, value string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now().Unix()
	maps.DeleteFunc(r.here, func(key, value string) bool {
		e, ok := parseEnded(key, value)
		return !ok || e.expires < now
	})
	if len(r.here) < mostRevokedHere {
		r.here[key] = value
	}
}

// tidy leaves out what has expired, and joins what has become too much.
func (r *revoked) tidy(data map[string]string) {
	now := r.now().Unix()
	bySubject, latest := map[string][]string{}, int64(0)
	for key, value := range data {
		e, ok := parseEnded(key, value)
		if !ok || e.expires < now {
			delete(data, key)
			continue
		}
		latest = max(latest, e.expires)
		if e.until == 0 {
			bySubject[e.subject] = append(bySubject[e.subject], key)
		}
	}
	for subject, keys := range bySubject {
		if len(keys) > mostRevokedPerSubject {
			for _, key := range keys {
				delete(data, key)
			}
			data[subjectPrefix+subject] = ended{expires: latest, until: now}.String()
		}
	}
	if len(data) > mostRevoked {
		clear(data)
		data[everybodyKey] = ended{expires: latest, until: now}.String()
	}
}

// has reports whether a session has ended.
func (r *revoked) has(ctx context.Context, id Identity) (bool, error) {
	keys := []string{idPrefix + digest(id.TokenID), subjectPrefix + subjectDigest(id.Issuer, id.Name), everybodyKey}
	r.mu.Lock()
	_, here := r.here[keys[0]]
	r.mu.Unlock()
	if here {
		return true, nil
	}
	data, err := r.objects.ConfigMap(ctx, RevokedName)
	if err != nil {
		return false, fmt.Errorf("reading ConfigMap %s: %w", RevokedName, err)
	}
	return slices.ContainsFunc(keys, func(key string) bool {
		value, there := data[key]
		if !there {
			return false
		}
		e, ok := parseEnded(key, value)
		// What cannot be read is about this session all the same.
		return !ok || e.until == 0 || id.IssuedAt.Unix() <= e.until
	}), nil
}
