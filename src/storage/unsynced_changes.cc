#include "unsynced_changes.h"

#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <utility>

#include "seshat/base/check.h"

namespace seshat {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kBlockBytes = 4096;

std::optional<ino_t> InodeOf(const fs::path& path) {
  struct stat facts{};
  if (::stat(path.c_str(), &facts) != 0) return std::nullopt;
  return facts.st_ino;
}

std::string ReadFrom(const fs::path& path, std::uint64_t offset) {
  std::ifstream in(path, std::ios::binary);
  in.seekg(static_cast<std::streamoff>(offset));
  return {std::istreambuf_iterator<char>(in), {}};
}

void WriteAt(const fs::path& path, std::uint64_t offset, const std::string& bytes) {
  std::fstream out(path, std::ios::in | std::ios::out | std::ios::binary);
  out.seekp(static_cast<std::streamoff>(offset));
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  SESHAT_CHECK(out.good());
}

struct Range {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

// Which parts of [begin, end) the disk had not written when its power failed.
std::vector<Range> ChooseLost(Range unsynced, Random& random) {
  const std::uint64_t torn_at = unsynced.begin + random.Below(unsynced.end - unsynced.begin);
  switch (random.Below(5)) {
    case 0:
      return {};
    case 1:
      return {unsynced};
    case 2:
      return {{.begin = torn_at, .end = unsynced.end}};
    default:
      break;
  }
  std::vector<Range> lost;
  for (std::uint64_t at = unsynced.begin; at < unsynced.end;) {
    const std::uint64_t end = std::min(unsynced.end, (at / kBlockBytes + 1) * kBlockBytes);
    if (random.Chance(1, 2)) lost.push_back({.begin = at, .end = end});
    if (torn_at > at && torn_at < end) lost.push_back({.begin = torn_at, .end = end});
    at = end;
  }
  return lost;
}

}  // namespace

UnsyncedChanges::UnsyncedChanges(fs::path root)
    : root_(std::move(root)), removed_(root_.string() + ".removed") {
  fs::remove_all(removed_);
  fs::create_directories(removed_);
}

UnsyncedChanges::~UnsyncedChanges() {
  std::error_code ignored;
  fs::remove_all(removed_, ignored);
}

bool UnsyncedChanges::Covers(const fs::path& path) const {
  const std::string name = path.filename();
  return (path == root_ || path.string().starts_with(root_.string() + "/")) &&
         !name.starts_with("LOG") && name != "LOCK";
}

void UnsyncedChanges::Created(const fs::path& path) {
  names_.push_back({.from = {}, .to = path, .replaced = {}});
  if (!fs::is_directory(path)) files_[InodeOf(path).value()] = FileState{};
}

void UnsyncedChanges::Linked(const fs::path& path) {
  names_.push_back({.from = {}, .to = path, .replaced = {}});
}

void UnsyncedChanges::Opens(ino_t file, std::uint64_t length) {
  files_.try_emplace(file, FileState{.written = length,
                                     .durable_written = length,
                                     .durable_length = length,
                                     .sync_failed = false,
                                     .cut_off = {}});
}

void UnsyncedChanges::Appended(ino_t file, std::uint64_t bytes) {
  if (!frozen_) files_.at(file).written += bytes;
}

void UnsyncedChanges::Synced(ino_t file, std::uint64_t length) {
  const auto found = files_.find(file);
  if (frozen_ || found == files_.end() || found->second.sync_failed) return;
  FileState& state = found->second;
  state.durable_written = std::min(state.written, length);
  state.durable_length = length;
  state.cut_off.clear();
}

void UnsyncedChanges::SyncFailed(ino_t file) {
  const auto found = files_.find(file);
  if (found != files_.end()) found->second.sync_failed = true;
}

bool UnsyncedChanges::HasFailedSync(ino_t file) const {
  const auto found = files_.find(file);
  return found != files_.end() && found->second.sync_failed;
}

void UnsyncedChanges::FolderSynced(const fs::path& folder) {
  if (frozen_) return;
  const auto in_folder = [&](const NameChange& change) { return change.folder() == folder; };
  for (const NameChange& change : names_) {
    if (in_folder(change)) Forget(change);
  }
  std::erase_if(names_, in_folder);
}

void UnsyncedChanges::Truncates(const fs::path& path, std::uint64_t length) {
  SESHAT_CHECK(!frozen_);
  const ino_t inode = InodeOf(path).value();
  const std::uint64_t old_length = fs::file_size(path);
  Opens(inode, old_length);
  FileState& state = files_.at(inode);
  state.written = std::min(state.written, length);
  if (length < old_length) state.cut_off.insert(0, ReadFrom(path, length));
}

fs::path UnsyncedChanges::SetAside(const fs::path& path) {
  fs::path place = removed_ / std::to_string(++removals_);
  std::error_code failure;
  fs::rename(path, place, failure);
  return failure ? fs::path() : place;
}

std::error_code UnsyncedChanges::Remove(const fs::path& path) {
  const fs::path aside = SetAside(path);
  if (aside.empty()) return std::make_error_code(std::errc::no_such_file_or_directory);
  names_.push_back({.from = path, .to = {}, .replaced = aside});
  return {};
}

std::error_code UnsyncedChanges::Rename(const fs::path& from, const fs::path& to) {
  if (!fs::exists(from)) return std::make_error_code(std::errc::no_such_file_or_directory);
  const fs::path replaced = SetAside(to);
  std::error_code failure;
  fs::rename(from, to, failure);
  if (failure) return failure;
  if (fs::is_directory(to)) MoveChanges(names_.size(), from, to);
  names_.push_back({.from = from, .to = to, .replaced = replaced});
  return failure;
}

void UnsyncedChanges::MoveChanges(std::size_t place, const fs::path& from, const fs::path& to) {
  const std::string prefix = from.string() + "/";
  for (std::size_t i = 0; i < place; ++i) {
    for (fs::path* const path : {&names_[i].from, &names_[i].to}) {
      if (!path->string().starts_with(prefix)) continue;
      *path = to / path->string().substr(prefix.size());
    }
  }
}

void UnsyncedChanges::Undo(std::size_t place) {
  const NameChange& change = names_[place];
  std::error_code ignored;  // what is not kept account of may have got in the way
  if (change.from.empty()) {
    fs::remove_all(change.to, ignored);
  } else if (change.to.empty()) {
    fs::rename(change.replaced, change.from, ignored);
  } else {
    fs::rename(change.to, change.from, ignored);
    if (fs::is_directory(change.from)) MoveChanges(place, change.to, change.from);
    if (!change.replaced.empty()) fs::rename(change.replaced, change.to, ignored);
  }
}

void UnsyncedChanges::Forget(const NameChange& change) {
  if (change.replaced.empty()) return;
  const std::optional<ino_t> inode = InodeOf(change.replaced);
  std::error_code ignored;
  if (inode && fs::hard_link_count(change.replaced, ignored) == 1) files_.erase(*inode);
  fs::remove_all(change.replaced, ignored);
}

template <typename Visitor>
void UnsyncedChanges::VisitChangedFiles(const Visitor& visitor) {
  std::vector<fs::path> paths;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(root_)) {
    if (entry.is_regular_file()) paths.push_back(entry.path());
  }
  std::ranges::sort(paths);  // the seed decides, not the order of the folder
  for (const fs::path& path : paths) {
    const auto found = files_.find(InodeOf(path).value());
    if (found != files_.end()) visitor(path, found->second);
  }
}

void UnsyncedChanges::Freeze() {
  if (!frozen_) frozen_ = names_.size();
}

void UnsyncedChanges::Thaw() {
  if (!frozen_) return;
  for (; names_.size() > *frozen_; names_.pop_back()) {
    Undo(names_.size() - 1);
  }
  VisitChangedFiles([](const fs::path& path, const FileState& file) {
    if (fs::file_size(path) <= file.written) return;
    fs::resize_file(path, file.written);
    fs::resize_file(path, std::max(file.written, file.durable_length));
  });
  frozen_.reset();
}

void UnsyncedChanges::Lose(Random& random) {
  SESHAT_CHECK(!frozen_);
  std::map<fs::path, std::size_t> changes;
  for (const NameChange& change : names_) ++changes[change.folder()];
  std::map<fs::path, std::size_t> lost;
  for (const auto& [folder, count] : changes) {
    lost[folder] = random.Chance(1, 3) ? count : random.Below(count + 1);
  }
  // Chosen before any is undone: that may move the others.
  std::vector<bool> is_lost(names_.size());
  for (std::size_t i = names_.size(); i-- > 0;) {
    std::size_t& left = lost[names_[i].folder()];
    is_lost[i] = left > 0;
    if (left > 0) --left;
  }
  for (std::size_t i = names_.size(); i-- > 0;) {
    if (is_lost[i]) {
      Undo(i);
    } else {
      Forget(names_[i]);
    }
  }
  names_.clear();
  VisitChangedFiles(
      [&](const fs::path& path, FileState& file) { LoseContent(path, file, random); });
  files_.clear();
}

void UnsyncedChanges::LoseContent(const fs::path& path, FileState& file, Random& random) {
  std::uint64_t length = fs::file_size(path);
  if (!file.cut_off.empty()) {
    if (random.Chance(1, 2)) WriteAt(path, length, file.cut_off);
    return;
  }
  std::uint64_t lost_from = file.written;  // to the end
  if (file.durable_written < file.written) {
    for (const Range& lost : ChooseLost({file.durable_written, file.written}, random)) {
      WriteAt(path, lost.begin, std::string(lost.end - lost.begin, '\0'));
      if (lost.end == file.written) lost_from = std::min(lost_from, lost.begin);
    }
  }
  // The length is written on its own: the old one, the new one, or as far as blocks were written.
  if (random.Chance(1, 2)) length = file.durable_length;
  length = std::max(length, lost_from);
  fs::resize_file(path, length);
}

}  // namespace seshat
