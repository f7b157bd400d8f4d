package org.simplepush.server.redis;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import org.simplepush.core.SharedVersionStore.Listener;
import org.simplepush.core.Uaid;
import org.simplepush.core.Update;

/** What a node was told, in order. */
final class HeardWords implements Listener {
  private final BlockingQueue<String> words = new LinkedBlockingQueue<>();

  @Override
  public void published(Uaid uaid, Update update) {
    words.add(published(uaid, update.channelId().text(), update.version()));
  }

  static String published(Uaid uaid, String channel, long version) {
    return "published " + uaid.value() + " " + channel + " " + version;
  }

  @Override
  public void displaced(Uaid uaid, long connection) {
    words.add(displacedWord(uaid, connection));
  }

  static String displacedWord(Uaid uaid, long connection) {
    return "displaced " + uaid.value() + " " + connection;
  }

  @Override
  public void gone(Uaid uaid) {
    words.add(goneWord(uaid));
  }

  static String goneWord(Uaid uaid) {
    return "gone " + uaid.value();
  }

  @Override
  public void wordsLost() {
    words.add("lost");
  }

  String next() throws InterruptedException {
    return words.poll(60, SECONDS);
  }

  /** Whether words that begin so were heard since that was last asked. */
  boolean forget(String beginning) {
    return words.removeIf(word -> word.startsWith(beginning));
  }

  /** Waits for a word, past others. */
  void await(String word) throws InterruptedException {
    String heard;
    do {
      heard = next();
      assertThat(heard).as("waiting for '%s'", word).isNotNull();
    } while (!heard.equals(word));
  }
}
