#include "seshat/service/state_marks.h"

#include <utility>

namespace seshat {

void StateMarks::Record(StateMark mark) {
  Listener listener;
  {
    MutexLock lock(mutex_);
    newest_ = mark;
    listener = listener_;
  }
  if (listener) listener(mark);
}

void StateMarks::Subscribe(Listener listener) {
  std::optional<StateMark> newest;
  {
    MutexLock lock(mutex_);
    listener_ = listener;
    newest = newest_;
  }
  if (listener && newest) listener(*newest);
}

}  // namespace seshat
