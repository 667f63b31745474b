// A snapshot's folder, which goes when nobody needs it any more.
//
// Its name says whether it counts: one that ends in `.partial` is never listed, and the next start
// removes it. A folder is therefore named so before its files go.
#pragma once

#include <atomic>
#include <filesystem>
#include <string_view>

#include "seshat/base/error.h"

namespace seshat {

inline constexpr std::string_view kPartialSuffix = ".partial";

// Threads: thread-safe, but for Rename.
class SnapshotFolder {
 public:
  // `is_kept`: as by Keep.
  explicit SnapshotFolder(std::filesystem::path path, bool is_kept = false)
      : path_(std::move(path)), is_kept_(is_kept) {}
  ~SnapshotFolder();
  SnapshotFolder(const SnapshotFolder&) = delete;
  SnapshotFolder& operator=(const SnapshotFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }

  // Pre: nobody has opened it; nothing is at `to`. Errors: kIo.
  // Durability: its new name is synced at return; after an error either name may be there.
  Status Rename(std::filesystem::path to);
  // The folder survives this object, until LetGo.
  void Keep() { is_kept_ = true; }
  void LetGo() { is_kept_ = false; }

 private:
  std::filesystem::path path_;
  std::atomic<bool> is_kept_;
};

// What the destructor does. Errors: kIo; the rest of it goes at the next start.
Status RemoveSnapshotFolder(const std::filesystem::path& path);

}  // namespace seshat
