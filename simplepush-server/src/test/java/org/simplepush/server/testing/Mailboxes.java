package org.simplepush.server.testing;

import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.function.BiConsumer;

/** What came to all endpoints, by their paths. Safe for use by many threads. */
final class Mailboxes {
  private final Map<String, Mailbox> byPath = new ConcurrentHashMap<>();

  /** For whichever endpoint is asked next. */
  private final BlockingQueue<Answer> next = new LinkedBlockingQueue<>();

  Mailbox of(String path) {
    return byPath.computeIfAbsent(path, any -> new Mailbox());
  }

  void answerNext(List<Answer> answers) {
    next.addAll(answers);
  }

  /** What the test wants for this endpoint comes before what it wants for any. */
  Answer nextAnswer(Mailbox mailbox) {
    Answer answer = mailbox.nextAnswer();
    if (answer == null) {
      answer = next.poll();
    }
    return answer == null ? Answer.asUsual() : answer;
  }

  void forEach(BiConsumer<String, Mailbox> action) {
    byPath.forEach(action);
  }

  void reset() {
    next.clear();
    byPath.values().forEach(Mailbox::reset);
  }
}
