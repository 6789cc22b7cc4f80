package main

import (
	"encoding/binary"
	"net/netip"
)

// addressPool gives out addresses as meshsim does (engine/control_plane/src/registry/address.rs).
type addressPool struct {
	first uint32
	size  uint32
	taken map[netip.Addr]bool
}

func newAddressPool(first string, prefix uint) *addressPool {
	address := netip.MustParseAddr(first).As4()
	return &addressPool{
		first: binary.BigEndian.Uint32(address[:]),
		size:  1 << (32 - prefix),
		taken: map[netip.Addr]bool{},
	}
}

func (p *addressPool) reserve(text string) bool {
	address, err := netip.ParseAddr(text)
	if err != nil {
		return false
	}
	p.taken[address] = true
	return true
}

func (p *addressPool) assign(name string) string {
	usable := p.size - 257
	offset := uint32(hash(name) % uint64(usable))
	for {
		var bytes [4]byte
		binary.BigEndian.PutUint32(bytes[:], p.first+256+offset)
		address := netip.AddrFrom4(bytes)
		if !p.taken[address] {
			p.taken[address] = true
			return address.String()
		}
		offset = (offset + 1) % usable
	}
}

func hash(name string) uint64 {
	state := uint64(0xcbf29ce484222325)
	for _, b := range []byte(name) {
		state = (state ^ uint64(b)) * 0x00000100000001b3
	}
	state ^= state >> 32
	state *= 0x9e3779b97f4a7c15
	return state ^ (state >> 29)
}
