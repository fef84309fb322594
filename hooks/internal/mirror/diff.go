package mirror

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/pocketbase/pocketbase/core"
)

// A hash text is a version character and one entry per top-level key: two
// characters that say which key, six that say which value. Thirty-one entries
// fit the column; keys beyond those are sent every time.
const (
	hashVersion = "1"
	keySize     = 2
	valueSize   = 6
	entrySize   = keySize + valueSize
	maxEntries  = (255 - len(hashVersion)) / entrySize
)

// Diff compares what the copy shall be (anything that encodes to a JSON object)
// with what the record's sync_hash says was sent last. patch holds the
// top-level keys to send: those that are new or changed, and null for those of
// clear that were sent before and are not wanted any more. hash describes
// desired; Push puts it into sync_hash.
func Diff(record *core.Record, desired any, clear ...string) (patch map[string]any, hash string, err error) {
	data, err := json.Marshal(desired)
	if err != nil {
		return nil, "", fmt.Errorf("encode the copy: %w", err)
	}
	var doc map[string]json.RawMessage
	if err := json.Unmarshal(data, &doc); err != nil {
		return nil, "", fmt.Errorf("encode the copy: %w", err)
	}
	// Keys that happen to share their two characters count as one.
	buckets := map[string][]string{}
	for key := range doc {
		buckets[digest([]byte(key), keySize)] = append(buckets[digest([]byte(key), keySize)], key)
	}
	last := parseHash(record.GetString(hashField))
	patch = map[string]any{}
	now := map[string]string{}
	for bucket, keys := range buckets {
		slices.Sort(keys)
		var all []byte
		for _, key := range keys {
			all = append(append(all, key...), doc[key]...)
		}
		now[bucket] = digest(all, valueSize)
		if last[bucket] == now[bucket] {
			continue
		}
		for _, key := range keys {
			patch[key] = doc[key]
		}
	}
	for _, key := range clear {
		bucket := digest([]byte(key), keySize)
		if _, wanted := doc[key]; !wanted && last[bucket] != "" && last[bucket] != now[bucket] {
			patch[key] = nil
		}
	}
	return patch, formatHash(now), nil
}

func digest(data []byte, size int) string {
	sum := sha256.Sum256(data)
	return base64.RawURLEncoding.EncodeToString(sum[:])[:size]
}

func formatHash(entries map[string]string) string {
	var list []string
	for key, value := range entries {
		list = append(list, key+value)
	}
	slices.Sort(list)
	return hashVersion + strings.Join(list[:min(len(list), maxEntries)], "")
}

func parseHash(text string) map[string]string {
	entries := map[string]string{}
	text, ok := strings.CutPrefix(text, hashVersion)
	if !ok || len(text)%entrySize != 0 {
		return entries
	}
	for entry := range slices.Chunk([]byte(text), entrySize) {
		entries[string(entry[:keySize])] = string(entry[keySize:])
	}
	return entries
}
