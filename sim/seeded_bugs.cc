#include "seeded_bugs.h"

#include <algorithm>

namespace seshat {
namespace {

constexpr std::string_view kLiveness = "--mode liveness";
constexpr std::string_view kFourNodes = "--nodes 4";
constexpr std::string_view kFiveNodes = "--nodes 5";
// Where others would hide what takes several of these in a row.
constexpr std::string_view kTemptations = "--only tempt,creeping-cut,blink";

constexpr SeededBug kSeededBugs[] = {
    // Elections.
    {"two-votes-in-a-term", "a node votes for everyone who asks", ""},
    {"vote-whatever-the-log", "a vote goes to a candidate whose log is behind", ""},
    {"longer-log-wins", "logs are compared by length, not by their last term first", ""},
    {"vote-sent-before-durable", "a vote leaves before the disk has it", ""},
    {"vote-alone-not-written", "a vote that comes without a new term is not written", ""},
    {"vote-not-encoded", "the vote is missing in what is written", ""},
    {"vote-forgotten-on-step-down", "a candidate that steps down may vote again in its term", ""},
    {"vote-kept-in-new-term", "a vote binds in later terms too", kLiveness},
    {"old-term-heeded", "messages of old terms count like those of the present one", ""},
    {"no-check-quorum", "a leader that hears nobody goes on leading", kLiveness},

    // Replication.
    {"older-term-committed", "an entry of an older term is committed by counting", kFiveNodes},
    {"half-commits", "half of the voters are enough to commit", kFourNodes},
    {"half-is-a-quorum", "half of the voters are enough to confirm a read", kFiveNodes},
    {"leader-counts-itself-early", "a leader counts itself before its disk has the entry", ""},
    {"sent-counts-as-held", "what was sent to a follower counts as held by it", ""},
    {"progress-survives-step-down", "a leader goes by what it knew in an earlier term", ""},
    {"acknowledged-before-durable", "a follower acknowledges what its disk does not have", ""},
    {"match-kept-in-new-term", "what agreed with one leader's log counts for the next", ""},
    {"append-without-term-check", "an append is taken whatever the term before it", ""},
    {"committed-before-replaced", "an append commits before it replaces what differs", ""},
    {"heartbeat-commits-unmatched", "a heartbeat commits what the follower may not have", ""},
    {"read-answer-commits-unmatched", "an answered read commits what may not match", ""},
    {"refusal-not-encoded", "a refusal looks like consent on the wire", ""},
    {"conflict-hint-off-by-one", "a leader goes back one entry too few after a refusal", ""},
    {"lost-append-not-noticed", "an append that was lost is not sent again", ""},
    {"fetched-entries-unchecked", "entries read for a slow follower go wherever it is now", ""},
    {"room-for-proposals-leaks", "committed entries still count as uncommitted", ""},

    // The disk, and restarts.
    {"fsync-skipped", "a write counts as durable at once", ""},
    {"promises-sent-before-durable", "what may leave only after a write leaves before it", ""},
    {"state-not-written-with-entries", "term and vote are not written along with entries", ""},
    {"rewritten-entries-not-written", "what takes the place of truncated entries is not written",
     ""},
    {"truncated-counts-as-durable", "an index stays durable when its entry is replaced", ""},
    {"truncated-write-counts", "a write of entries truncated meanwhile counts for the new", ""},
    {"applied-before-durable", "a committed entry is applied before this disk has it", ""},
    {"one-too-many-applied", "the entry after the commit index is applied too", ""},
    {"applied-again-on-restart", "a restart applies the last entry once more", ""},
    {"timer-not-armed-again", "after its first deadline a node notices no other by itself", ""},

    // Snapshots.
    {"log-cut-above-applied", "a log is cut up to what is committed, applied or not", ""},
    {"compaction-keeps-old-term", "a cut log is said to begin after an entry of another term", ""},
    {"snapshot-ends-with-its-first-chunk", "the rest of a state is not fetched", ""},
    {"snapshot-takes-log-back", "a snapshot of less than is committed here is installed", ""},
    {"snapshot-index-off-by-one", "an installed log begins one entry too late", ""},
    {"installed-before-durable", "an installed snapshot counts before the disk has it", ""},
    {"old-state-served", "the state machine goes on with what was before the snapshot", ""},
    {"offered-counts-as-held", "a leader counts a snapshot as held once it is offered", ""},

    // Members.
    {"learner-counted", "what learners hold counts for commitment", ""},
    {"members-changed-in-one-step", "one majority follows another that it need not meet", ""},
    {"joint-needs-new-majority-only", "a joint configuration commits by the new voters alone", ""},
    {"joint-elects-by-new-majority-only", "it elects by the new voters alone", ""},
    {"joint-read-asks-new-majority-only", "it confirms reads by the new voters alone", ""},
    {"joint-left-before-committed", "a joint configuration is left before it is committed", ""},
    {"joint-never-left", "nobody leaves a joint configuration", ""},
    {"replaced-members-stay", "members stay in force when their entry is replaced", ""},
    {"removed-leader-goes-on", "a leader that is no member any more goes on", ""},
    {"members-lost-in-snapshot", "a snapshot names the members of before its log", ""},
    {"members-not-taken-from-snapshot", "a node goes on with the members it knew before it", ""},
    {"members-forgotten-on-restart", "a restart forgets what the log says of members", ""},

    // Reads, by the rules of ADR 0005.
    {"lease-without-clock", "rule 1: a lease is trusted without a look at the clock", ""},
    {"read-before-applied", "rule 2: a read does not wait for its index", ""},
    {"lease-read-before-applied", "rule 2: nor does one by lease", ""},
    {"read-at-own-commit", "rule 2: a follower reads at its own commit index", ""},
    {"read-before-own-commit", "rule 3: a new leader answers before it has committed", ""},
    {"lease-from-answer", "rule 4: a lease counts from the answer, not from the question", ""},
    {"lease-without-quorum", "rule 4: one follower's promise is enough", kFiveNodes},
    {"clock-stops-in-suspend", "rule 5: the clock stands still while the machine is suspended", ""},
    {"lease-kept-in-transfer", "rule 4: a leader goes on by its lease while it hands over", ""},
    {"lease-resumed-after-transfer", "rule 4: it does so after a transfer that may yet come", ""},
    {"lease-exceeds-promise", "rule 6: a lease is twice as long as the promise", ""},
    {"lease-by-own-stickiness", "rule 6: a leader takes its own setting for the promise", ""},
    {"stickiness-ignored", "rule 6: nobody keeps a promise", ""},
    {"promise-forgotten-on-restart", "rule 7: a restarted node votes at once", ""},
    {"promise-not-decoded", "rule 7: only the present setting binds, not the promise given",
     kTemptations},
    {"read-index-without-round", "a leader confirms a read without asking anyone", ""},
    {"any-answer-confirms", "an answer to an old heartbeat confirms a new read", ""},
    {"reads-survive-step-down", "reads of one leadership are granted in the next", ""},
    {"refused-read-granted", "a leader's refusal is taken for its consent", ""},
    {"read-joins-asked-round", "a read shares an answer that was asked for before it", ""},
    {"read-contexts-used-again", "a late answer to a node's last run answers it in this one", ""},

    // What clients hear.
    {"unknown-reported-as-failed", "a write that may take effect is said not to", ""},
    {"answered-by-index-alone", "a client gets the result of the entry that took its place", ""},
    {"unknown-told-as-refusal", "the service says not applied of what may be", ""},
    {"unknown-forward-sent-again", "a forwarded write without an answer is sent once more", ""},
    {"reads-ask-nobody", "a read goes by what this node happens to have applied", ""},

    // Commands.
    {"stale-expiry-deletes", "an old expiry event deletes the key's newer value", ""},
    {"nx-overwrites", "SET NX overwrites", ""},
};

}  // namespace

std::span<const SeededBug> SeededBugs() {
  return kSeededBugs;
}

const SeededBug* FindSeededBug(std::string_view name) {
  const auto* const at = std::ranges::find(kSeededBugs, name, &SeededBug::name);
  return at == std::end(kSeededBugs) ? nullptr : at;
}

}  // namespace seshat
