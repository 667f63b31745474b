// The read rules (docs/adr/0005-read-rules.md) as a model: elections, promises, leases, read index
// and restarts of a group of three, small enough that a computer visits every state of it.
//
// It is not a model of replication: an append carries the whole log, and probing, flow control,
// batches, snapshots and changes of the configuration are left out. README.md says what the bounds
// are. `scripts/check-model` searches it right, and with each rule broken in turn.
//
// Each step is atomic and says what it did (`scripts/check-model --trail RULE`). Instead of times
// there are timers that count ticks down on the clock of their own node, so time needs no bound.

// The rules that -DBROKEN_RULE=... can break, numbered as in ADR 0005, then what they rest on.
#define NONE 0
#define RULE_1_CLOCK_AFTER_REQUEST 1
#define RULE_2_WAIT_FOR_APPLIED 2
#define RULE_3_LEASE_AFTER_OWN_COMMIT 3
#define RULE_3_READ_INDEX_AFTER_OWN_COMMIT 4
#define RULE_4_FROM_SENT_AT 5
#define RULE_4_QUORUM 6
#define RULE_4_TRANSFER 7
#define RULE_5_CLOCK_RUNS_IN_SLEEP 8
#define RULE_6_SHORTER_THAN_PROMISE 9
#define RULE_6_SHORTEST_PROMISE 10
#define RULE_6_NO_VOTE 11
#define RULE_6_NO_CANDIDATURE 12
#define RULE_7_RESTART 13
#define RULE_7_STORED_PROMISE 14
#define RULE_7_STORED_BEFORE_GIVEN 15
#define ROUND_AFTER_REQUEST 16
#define ROUND_NEEDS_QUORUM 17
#define CONTEXT_UNIQUE 18
#define VOTE_DURABLE 19
#define ACKNOWLEDGED_WHEN_DURABLE 20
#ifndef BROKEN_RULE
#define BROKEN_RULE NONE
#endif
#define BROKEN(rule) (BROKEN_RULE == rule)

// Bounds, and what may happen besides.
#ifndef TERMS_MAX
#define TERMS_MAX 2
#endif
#ifndef ENTRIES_MAX
#define ENTRIES_MAX 2
#endif
// 1: reads by lease, with clocks. Logs are synced at once and followers learn no commit index: the
//    search without clocks has what lies in between.
// 0: reads by read index, without clocks and so without promises: anybody may vote at any time.
#ifndef LEASES
#define LEASES 1
#endif
#ifndef LONG  // stickiness of nodes 0 and 1, at least 2
#define LONG 3
#endif
#ifndef SHORT  // stickiness of node 2, from 2 to LONG
#define SHORT 2
#endif
#ifndef TRANSFERS  // a leader may hand over
#define TRANSFERS 0
#endif
#ifndef RECONFIGURES  // node 1 may restart with a stickiness of LONG - 1, or of LONG again
#define RECONFIGURES 0
#endif

#define NODES 3
#define NOBODY NODES
// A clock misses at most one tick of any LONG: a lease that is shorter by one ends before its
// promise. The code leaves a fifth; the rule is that clocks must differ by less than what is left.
#define LEASE_OF(promise) (BROKEN(RULE_6_SHORTER_THAN_PROMISE) -> (promise) : (promise) - 1)

// What a follower promises: the lesser of what the leader asks for and its own.
#define PROMISE(leader, n) \
  (BROKEN(RULE_6_SHORTEST_PROMISE) -> stickiness[leader] : MIN(stickiness[leader], stickiness[n]))

#define MIN(a, b) ((a) < (b) -> (a) : (b))
#define MAX(a, b) ((a) > (b) -> (a) : (b))
#define PAIR(n, m) ((n) * NODES + (m))
#define ENTRY(n, index) log[(n) * ENTRIES_MAX + (index) - 1]
#define LAST_TERM(n) (length[n] == 0 -> 0 : ENTRY(n, length[n]))

#define FOLLOWER 0
#define CANDIDATE 1
#define LEADER 2

// On the disk of each node.
byte term[NODES] = 1;
byte vote[NODES] = 0;
byte log[NODES * ENTRIES_MAX];  // terms of the entries; each entry is a write
byte durable[NODES];            // how much of the log a crash leaves
byte stored_promise[NODES];     // never less than what the last answer promised

// In the memory of each node.
byte role[NODES];
byte length[NODES];
byte commit[NODES];
byte applied[NODES];
byte stickiness[NODES];     // as configured
byte sticky[NODES];         // until then it votes for nobody
byte stored_binds[NODES];   // until then the stored promise is not lowered
byte votes[NODES];          // candidate: bit set of those that granted one
bool transferred[NODES];    // candidate: asked to by the leader
byte match[NODES * NODES];  // leader, follower: acknowledged up to here
byte vouched[NODES * NODES];  // leader, follower: its share of the lease
bool given_up[NODES];         // leader: no lease any more in this term
byte unread[NODES];           // ticks since it read its clock (with rule 1 broken only)

// On the network. Appends, votes and commit indices are read from the memory of whoever sent them.
byte heartbeat_age[NODES];       // of the leader's latest heartbeat, by the leader's clock
bool heartbeat_asks[NODES];      // it carries the context of the round that is out
byte answer[NODES * NODES];      // leader, follower: 1 + what it adds to the lease; 0: none
bool answer_confirms[NODES * NODES];  // it carries the context of the round that is out
bool timeout_now[NODES];         // the leader of its term asks it to take over

// A read by read index: one at a time is enough, as reads change nothing.
byte reader = NOBODY;  // the leader that was asked
byte read_index;
byte read_must_see;
byte late_index;  // of an answer to a follower that is still on its way, its term, and who waits
byte late_term;
byte late_for = NOBODY;

// Seen by nobody in the model: what happened so far.
byte leader_of[TERMS_MAX + 1] = NOBODY;
byte chosen[ENTRIES_MAX + 1];  // by index: the term of the entry that some node applied
byte acknowledged;             // the last write whose client has its answer

byte regular_ticks = LONG - 1;  // since a clock missed one, up to what has to lie between

// Of no meaning between two steps, and so no part of the state.
hidden byte i;
hidden byte seen;
hidden byte last;
hidden byte ticking;

#define LEADS_WITH_COMMIT(n) \
  (role[n] == LEADER && commit[n] > 0 && ENTRY(n, MAX(commit[n], 1)) == term[n])
#define OTHER(n, k) (((n) + (k)) % NODES)
#define IS_VOUCHED(n) \
  (vouched[PAIR(n, OTHER(n, 1))] > 0 || vouched[PAIR(n, OTHER(n, 2))] > 0 || \
   BROKEN(RULE_4_QUORUM))
#define HOLDS_LEASE(n) \
  (LEASES && role[n] == LEADER && IS_VOUCHED(n) && !given_up[n] && \
   (LEADS_WITH_COMMIT(n) || BROKEN(RULE_3_LEASE_AFTER_OWN_COMMIT)))
// What a quorum of three has is the median.
#define MEDIAN(a, b, c) MAX(MIN(a, b), MIN(c, MAX(a, b)))
#define TO_COMMIT(n) \
  MEDIAN(durable[n], match[PAIR(n, OTHER(n, 1))], match[PAIR(n, OTHER(n, 2))])
#define IS_UP_TO_DATE(candidate, n) \
  (LAST_TERM(candidate) > LAST_TERM(n) || \
   (LAST_TERM(candidate) == LAST_TERM(n) && length[candidate] >= length[n]))

// A read that waits until `index` is applied (rule 2) sees at least that.
inline serve(n, index, must_see) {
  seen = (BROKEN(RULE_2_WAIT_FOR_APPLIED) -> applied[n] : MAX(applied[n], index));
  printf("node %d serves a read: it sees %d and must see %d\n", n, seen, must_see);
  assert(seen >= must_see)  // no stale read
}

inline end_read() {
  forget_rounds();
  reader = NOBODY;
  read_index = 0;
  read_must_see = 0
}

// The contexts on the network are of an earlier round from here on.
inline forget_rounds() {
  for (i : 0 .. NODES - 1) { heartbeat_asks[i] = false }
  for (i : 0 .. NODES * NODES - 1) {
    answer_confirms[i] = false;
    forget_useless(i)
  }
}

// An answer that does nothing for a lease or a read.
inline forget_useless(pair) {
  if
  :: answer[pair] == 1 && !answer_confirms[pair] && !BROKEN(RULE_4_FROM_SENT_AT) &&
     !BROKEN(ROUND_AFTER_REQUEST) ->
     answer[pair] = 0
  :: else
  fi
}

inline become_follower(n, new_term) {
  if
  :: new_term > term[n] ->
     term[n] = new_term;
     vote[n] = NOBODY;
     timeout_now[n] = false
  :: else
  fi;
  role[n] = FOLLOWER;
  votes[n] = 0;
  transferred[n] = false;
  given_up[n] = false;
  unread[n] = 0;
  heartbeat_age[n] = 0;
  for (i : 0 .. NODES - 1) {
    match[PAIR(n, i)] = 0;
    vouched[PAIR(n, i)] = 0;
    answer[PAIR(n, i)] = 0
  }
  if
  :: reader == n -> end_read()
  :: else
  fi
}

inline follow(n, leader) {
  assert(role[n] != LEADER || term[n] < term[leader]);
  if
  :: term[n] < term[leader] || role[n] != FOLLOWER -> become_follower(n, term[leader])
  :: else
  fi;
  sticky[n] = (LEASES -> MAX(sticky[n], stickiness[n]) : 0)
}

inline append(n) {
  length[n]++;
  ENTRY(n, length[n]) = term[n];
  durable[n] = (LEASES -> length[n] : durable[n])
}

// The whole of the leader's log, in memory first.
inline take_log(n, leader) {
  i = 0;
  do
  :: i < length[n] && i < length[leader] && ENTRY(n, i + 1) == ENTRY(leader, i + 1) -> i++
  :: else -> break
  od;
  assert(i >= commit[n]);  // what is committed is never taken back
  length[n] = length[leader];
  durable[n] = (LEASES -> length[n] : MIN(durable[n], i));
  for (i : 1 .. ENTRIES_MAX) { ENTRY(n, i) = ENTRY(leader, i) }
}

// What `n` has on its disk of the leader's log, the leader counts.
inline acknowledge(n, leader) {
  i = 0;
  do
  :: i < length[n] && i < length[leader] && ENTRY(n, i + 1) == ENTRY(leader, i + 1) &&
     (i < durable[n] || BROKEN(ACKNOWLEDGED_WHEN_DURABLE)) -> i++
  :: else -> break
  od;
  match[PAIR(leader, n)] = MAX(match[PAIR(leader, n)], i)
}

inline campaign(n) {
  become_follower(n, term[n] + 1);
  vote[n] = n;
  role[n] = CANDIDATE;
  votes[n] = 1 << n
}

// Pre-votes only keep some elections from being held, so the model holds them all.
inline stand(n) {
  if
  :: d_step {
       role[n] != LEADER && term[n] < TERMS_MAX &&
           (sticky[n] == 0 || BROKEN(RULE_6_NO_CANDIDATURE)) ->
       campaign(n);
       printf("node %d campaigns in term %d\n", n, term[n])
     }
  :: d_step {
       TRANSFERS && role[n] != LEADER && term[n] < TERMS_MAX && timeout_now[n] ->
       campaign(n);
       transferred[n] = true;
       printf("node %d takes over and campaigns in term %d\n", n, term[n])
     }
  :: d_step {
       role[n] == CANDIDATE && length[n] < ENTRIES_MAX &&
           (votes[n] == 3 || votes[n] == 5 || votes[n] == 6 || votes[n] == 7) ->
       assert(leader_of[term[n]] == NOBODY);  // at most one leader a term
       leader_of[term[n]] = n;
       role[n] = LEADER;
       votes[n] = 0;
       transferred[n] = false;
       append(n);
       printf("node %d leads term %d\n", n, term[n])
     }
  // Check-quorum steps down when no quorum has been heard of for long; the model, at any time.
  :: d_step {
       role[n] == LEADER ->
       become_follower(n, term[n]);
       printf("node %d steps down\n", n)
     }
  fi
}

inline keep_log(n) {
  if
  :: d_step {
       role[n] == LEADER && length[n] < ENTRIES_MAX ->
       append(n);
       printf("node %d takes write %d\n", n, length[n])
     }
  :: d_step {
       durable[n] < length[n] ->
       durable[n] = length[n];
       printf("node %d syncs its log up to %d\n", n, length[n]);
       last = leader_of[term[n]];
       if
       :: last != NOBODY && last != n && role[last] == LEADER && term[last] == term[n] ->
          acknowledge(n, last)
       :: else
       fi
     }
  :: d_step {
       role[n] == LEADER && TO_COMMIT(n) > commit[n] &&
           ENTRY(n, MAX(TO_COMMIT(n), 1)) == term[n] ->
       commit[n] = TO_COMMIT(n);
       printf("node %d commits up to %d\n", n, commit[n])
     }
  :: d_step {
       applied[n] < MIN(commit[n], durable[n]) && (!LEASES || role[n] == LEADER) ->
       last = MIN(commit[n], durable[n]);
       for (i : applied[n] + 1 .. last) {
         assert(chosen[i] == 0 || chosen[i] == ENTRY(n, i));  // what is committed never changes
         chosen[i] = ENTRY(n, i);
         if
         :: leader_of[ENTRY(n, i)] == n && acknowledged < i -> acknowledged = i
         :: else
         fi
       }
       applied[n] = last;
       printf("node %d applies up to %d; acknowledged: %d\n", n, applied[n], acknowledged)
     }
  fi
}

inline read(n) {
  if
  :: d_step {
       role[n] == LEADER && (heartbeat_age[n] > 0 || (reader == n && !heartbeat_asks[n])) ->
       heartbeat_age[n] = 0;
       heartbeat_asks[n] = (reader == n);
       printf("node %d sends heartbeats\n", n)
     }
  :: d_step {
       HOLDS_LEASE(n) ->
       serve(n, commit[n], acknowledged)
     }
  :: d_step {
       !LEASES && reader == NOBODY &&
           (LEADS_WITH_COMMIT(n) ||
            (BROKEN(RULE_3_READ_INDEX_AFTER_OWN_COMMIT) && role[n] == LEADER)) ->
       reader = n;
       read_index = commit[n];
       read_must_see = acknowledged;
       printf("node %d is asked for a read that must see %d; read index %d\n", n, read_must_see,
              read_index)
     }
  :: d_step {
       BROKEN(ROUND_NEEDS_QUORUM) && reader == n ->
       serve(n, read_index, read_must_see);
       end_read()
     }
  :: d_step {
       BROKEN(CONTEXT_UNIQUE) && late_for == n && term[n] == late_term && role[n] == FOLLOWER ->
       printf("node %d asks for a read and gets the answer to an earlier one\n", n);
       serve(n, late_index, acknowledged)
     }
  :: d_step {
       BROKEN(RULE_1_CLOCK_AFTER_REQUEST) && unread[n] > 0 ->
       for (i : PAIR(n, 0) .. PAIR(n, NODES - 1)) {
         vouched[i] = (vouched[i] > unread[n] -> vouched[i] - unread[n] : 0)
       }
       unread[n] = 0;
       printf("node %d reads its clock\n", n)
     }
  fi
}

// A crash, and the start after it. Nothing of the state machine is synced, so it is gone.
inline restart(n) {
  if
  :: atomic {
       d_step {
         become_follower(n, term[n]);
         length[n] = durable[n];
         for (i : length[n] + 1 .. ENTRIES_MAX) { ENTRY(n, i) = 0 }
         commit[n] = 0;
         applied[n] = 0;
         timeout_now[n] = false;
         if
         :: BROKEN(VOTE_DURABLE) -> vote[n] = NOBODY
         :: else
         fi;
         if
         :: late_index > 0 && term[n] == late_term -> late_for = n
         :: else
         fi
       }
       if
       :: true -> skip
       :: RECONFIGURES && n == 1 -> stickiness[n] = 2 * LONG - 1 - stickiness[n]
       fi;
       d_step {
         sticky[n] = (BROKEN(RULE_7_STORED_PROMISE) -> stickiness[n] :
                                                       MAX(stored_promise[n], stickiness[n]));
         stored_binds[n] = (stored_promise[n] > stickiness[n] -> stored_promise[n] : 0);
         stored_promise[n] = (BROKEN(RULE_7_STORED_BEFORE_GIVEN) ->
                                  stored_promise[n] : MAX(stored_promise[n], stickiness[n]));
         if
         :: BROKEN(RULE_7_RESTART) || !LEASES -> sticky[n] = 0
         :: else
         fi;
         printf("node %d restarts; its log ends at %d\n", n, length[n])
       }
     }
  fi
}

// What reaches node `to` from node `from`: sooner, later, often or never.
inline hear_candidate(from, to) {
  if
  :: d_step {
       role[from] == CANDIDATE && role[to] == FOLLOWER && term[from] > term[to] &&
           (sticky[to] == 0 || transferred[from] || BROKEN(RULE_6_NO_VOTE)) ->
       become_follower(to, term[from]);
       printf("node %d hears of term %d from candidate %d\n", to, term[from], from)
     }
  :: d_step {
       role[from] == CANDIDATE && role[to] != LEADER && term[from] == term[to] &&
           vote[to] == NOBODY && IS_UP_TO_DATE(from, to) &&
           (sticky[to] == 0 || transferred[from] || BROKEN(RULE_6_NO_VOTE)) ->
       vote[to] = from;
       votes[from] = votes[from] | (1 << to);
       printf("node %d votes for %d in term %d\n", to, from, term[to])
     }
  // A refusal carries the term of whoever refuses.
  :: d_step {
       role[to] != FOLLOWER && term[from] > term[to] ->
       become_follower(to, term[from]);
       printf("node %d hears of term %d from %d\n", to, term[to], from)
     }
  fi
}

inline hear_leader(from, to) {
  if
  :: d_step {
       role[from] == LEADER && term[from] >= term[to] ->
       follow(to, from);
       take_log(to, from);
       acknowledge(to, from);
       commit[to] = (LEASES -> commit[to] : MAX(commit[to], MIN(commit[from], length[to])));
       printf("node %d takes the log of leader %d up to %d, committed up to %d\n", to, from,
              length[to], commit[to])
     }
  :: d_step {
       role[from] == LEADER && term[from] >= term[to] ->
       follow(to, from);
       i = LEASE_OF(PROMISE(from, to));
       i = (LEASES && i > heartbeat_age[from] -> i - heartbeat_age[from] : 0);
       answer[PAIR(from, to)] = 1 + i;
       answer_confirms[PAIR(from, to)] = heartbeat_asks[from];
       forget_useless(PAIR(from, to));
       printf("node %d answers a heartbeat of leader %d\n", to, from)
     }
  :: d_step {
       TRANSFERS && role[to] == FOLLOWER && !timeout_now[to] && LEADS_WITH_COMMIT(from) &&
           term[to] == term[from] ->
       given_up[from] = !BROKEN(RULE_4_TRANSFER);
       timeout_now[to] = true;
       printf("leader %d asks %d to take over\n", from, to)
     }
  fi
}

inline hear_answer(from, to) {
  if
  :: d_step {
       answer[PAIR(to, from)] > 0 ->
       printf("leader %d gets the answer of %d to a heartbeat\n", to, from);
       i = (BROKEN(RULE_4_FROM_SENT_AT) -> LEASE_OF(PROMISE(to, from)) :
                                           answer[PAIR(to, from)] - 1);
       vouched[PAIR(to, from)] = MAX(vouched[PAIR(to, from)], i);
       answer[PAIR(to, from)] = 0;
       if
       :: reader == to && (answer_confirms[PAIR(to, from)] || BROKEN(ROUND_AFTER_REQUEST)) ->
          serve(to, read_index, read_must_see);
          late_index = (BROKEN(CONTEXT_UNIQUE) -> read_index : 0);
          late_term = (BROKEN(CONTEXT_UNIQUE) -> term[to] : 0);
          end_read()
       :: else -> answer_confirms[PAIR(to, from)] = false
       fi
     }
  fi
}

inline advance(n) {
  sticky[n] = (sticky[n] > 0 -> sticky[n] - 1 : 0);
  if
  :: stored_binds[n] > 1 -> stored_binds[n]--
  :: stored_binds[n] == 1 ->
     stored_binds[n] = 0;
     stored_promise[n] = stickiness[n]
  :: else
  fi;
  if
  :: role[n] == LEADER ->
     heartbeat_age[n] = MIN(heartbeat_age[n] + 1, LEASE_OF(LONG));
     unread[n] = (BROKEN(RULE_1_CLOCK_AFTER_REQUEST) -> MIN(unread[n] + 1, LONG) : 0);
     for (i : PAIR(n, 0) .. PAIR(n, NODES - 1)) {
       vouched[i] = (vouched[i] > 0 && unread[n] == 0 -> vouched[i] - 1 : vouched[i]);
       answer[i] = (answer[i] > 1 -> answer[i] - 1 : answer[i]);
       forget_useless(i)
     }
  :: else
  fi
}

// Time passes. Now and then one clock misses a tick.
inline tick(missing) {
  regular_ticks = (missing < NODES -> 0 : MIN(regular_ticks + 1, LONG - 1));
  for (ticking : 0 .. NODES - 1) {
    if
    :: ticking == missing
    :: else -> advance(ticking)
    fi
  }
  printf("a tick; the clock that misses it: %d\n", missing)
}

#define MAY_MISS \
  (LEASES && (regular_ticks == LONG - 1 || BROKEN(RULE_5_CLOCK_RUNS_IN_SLEEP)))
inline clock() {
  if
  :: d_step { LEASES -> tick(NOBODY) }
  :: d_step { MAY_MISS -> tick(0) }
  :: d_step { MAY_MISS -> tick(1) }
  :: d_step { MAY_MISS -> tick(2) }
  fi
}

// At most one holder of a valid lease.
inline check_leases() {
  if
  :: d_step { HOLDS_LEASE(0) + HOLDS_LEASE(1) + HOLDS_LEASE(2) > 1 -> assert(false) }
  fi
}

// All have just elected node 0 in term 1.
inline start() {
  for (i : 0 .. NODES - 1) {
    stickiness[i] = (i == 2 -> SHORT : LONG);
    stored_promise[i] = stickiness[i]
  }
  leader_of[1] = 0;
  role[0] = LEADER;
  append(0)
}

inline node(n) {
  if
  :: stand(n) :: keep_log(n) :: read(n) :: restart(n)
  fi
}

inline link(from, to) {
  if
  :: hear_candidate(from, to) :: hear_leader(from, to) :: hear_answer(from, to)
  fi
}

init {
  d_step { start() };
end:
  do
  :: node(0) :: node(1) :: node(2)
  :: link(0, 1) :: link(0, 2) :: link(1, 0) :: link(1, 2) :: link(2, 0) :: link(2, 1)
  :: clock()
  :: check_leases()
  od
}
