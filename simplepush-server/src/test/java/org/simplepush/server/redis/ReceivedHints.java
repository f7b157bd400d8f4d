package org.simplepush.server.redis;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicInteger;
import org.simplepush.core.SharedVersionStore.Listener;
import org.simplepush.core.Uaid;
import org.simplepush.core.Update;

/** What a node was told, in order. */
final class ReceivedHints implements Listener {
  private final BlockingQueue<String> hints = new LinkedBlockingQueue<>();

  private final AtomicInteger restored = new AtomicInteger();

  @Override
  public void published(Uaid uaid, Update update) {
    hints.add(published(uaid, update.channelId().text(), update.version()));
  }

  static String published(Uaid uaid, String channel, long version) {
    return "published " + uaid.value() + " " + channel + " " + version;
  }

  @Override
  public void displaced(Uaid uaid, long connection) {
    hints.add(displacedHint(uaid, connection));
  }

  static String displacedHint(Uaid uaid, long connection) {
    return "displaced " + uaid.value() + " " + connection;
  }

  @Override
  public void gone(Uaid uaid) {
    hints.add(goneHint(uaid));
  }

  static String goneHint(Uaid uaid) {
    return "gone " + uaid.value();
  }

  @Override
  public void hintsLost() {
    hints.add("lost");
  }

  @Override
  public void restored(int missing) {
    restored.addAndGet(missing);
    hints.add("restored");
  }

  /** How much was missing and is there again. */
  int restored() {
    return restored.get();
  }

  String next() throws InterruptedException {
    return hints.poll(60, SECONDS);
  }

  /** Whether hints that begin so were heard since that was last asked. */
  boolean forget(String beginning) {
    return hints.removeIf(hint -> hint.startsWith(beginning));
  }

  /** Waits for a hint, past others. */
  void await(String hint) throws InterruptedException {
    String heard;
    do {
      heard = next();
      assertThat(heard).as("waiting for '%s'", hint).isNotNull();
    } while (!heard.equals(hint));
  }
}
