package queue

import "slices"

// FlowPeers are those that are measured in turns ([Turn]), class by class: each system
// as it's best set up in that class, and what its defaults are where that matters.
func FlowPeers() []Peer {
	return slices.Concat(
		[]Peer{asynqPeer(redisMemory, asynqEager), jetstreamPeer(inMemory, false), localPeers[0]},
		[]Peer{
			asynqPeer(redisEverySecond, asynqEager),
			brief(asynqPeer(redisEverySecond, 0)),
			riverPeers[0],
			jetstreamPeer(syncDefault, false),
			localPeers[1],
			graflowPeers[0],
		},
		[]Peer{
			asynqPeer(redisAlways, asynqEager),
			riverPeers[2],
			brief(riverPeers[1]),
			jetstreamPeer(syncAlways, false),
			localPeers[2],
			graflowPeers[1],
		},
	)
}

func brief(p Peer) Peer {
	p.Brief = true
	return p
}
