package apply

import "sync"

// memo keeps what was found out once, an error too, for all who ask for it.
type memo[K comparable, V any] struct {
	mu    sync.Mutex
	found map[K]func() (V, error)
}

// get returns what find has returned for the key; only the first one's find is called, and the others wait for it.
func (m *memo[K, V]) get(key K, find func() (V, error)) (V, error) {
	m.mu.Lock()
	if m.found == nil {
		m.found = map[K]func() (V, error){}
	}
	once, known := m.found[key]
	if !known {
		once = sync.OnceValues(find)
		m.found[key] = once
	}
	m.mu.Unlock()
	return once()
}
