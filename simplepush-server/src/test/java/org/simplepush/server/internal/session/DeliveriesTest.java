package org.simplepush.server.internal.session;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.simplepush.core.ChannelId;
import org.simplepush.core.Update;

@Timeout(10)
class DeliveriesTest {
  private static final long INTERVAL = 60;
  private static final int ALL = Integer.MAX_VALUE;
  private static final ChannelId A = ChannelId.random();
  private static final ChannelId B = ChannelId.random();

  private final Deliveries deliveries = new Deliveries();
  private long now = Long.MAX_VALUE - 100; // nanoTime may overflow

  private void offer(ChannelId channelId, long version) {
    deliveries.offer(new Update(channelId, version), false, now);
  }

  private void acknowledge(ChannelId channelId, long version) {
    deliveries.acknowledge(new Update(channelId, version), now);
  }

  private List<Update> take() {
    return deliveries.take(ALL, now);
  }

  private int expire() {
    return deliveries.expire(now, INTERVAL);
  }

  private static Update update(ChannelId channelId, long version) {
    return new Update(channelId, version);
  }

  @Test
  void newestOfEachChannelIsTakenOnceInTheOrderTheyCame() {
    offer(A, 1);
    offer(B, 1);
    offer(A, 3);
    offer(A, 2);
    assertThat(take()).containsExactly(update(A, 3), update(B, 1));
    assertThat(take()).isEmpty();
  }

  @Test
  void deviceThatDoesNotReadCostsOneEntryAChannel() {
    for (int version = 1; version <= 100_000; version++) {
      offer(A, version);
      offer(B, version);
      deliveries.offer(update(B, version), true, now);
    }
    assertThat(deliveries.queued()).isEqualTo(2);
    assertThat(deliveries.size()).isEqualTo(2);
    assertThat(take()).containsExactly(update(A, 100_000), update(B, 100_000));
    assertThat(deliveries.queued()).isZero();
  }

  @Test
  void deviceThatAcknowledgesWhatItWasNotSentCostsOneEntryAChannel() {
    for (int version = 1; version <= 1000; version++) {
      offer(A, version);
      acknowledge(A, version);
    }
    assertThat(deliveries.queued()).isOne();
    assertThat(deliveries.size()).isOne();
  }

  @Test
  void channelsBeyondTheLimitAreNotRememberedAsRetired() {
    for (int i = 0; i < 100; i++) {
      deliveries.retire(ChannelId.random(), now, 10);
    }
    assertThat(deliveries.size()).isEqualTo(10);
    now += INTERVAL;
    expire();
    assertThat(deliveries.size()).isZero();
  }

  @Test
  void outstandingIsWhatTheDeviceHasNotAcknowledged() {
    assertThat(deliveries.isOutstanding()).isFalse();
    offer(A, 1);
    assertThat(deliveries.isOutstanding()).isTrue(); // not sent
    take();
    assertThat(deliveries.isOutstanding()).isTrue(); // sent
    offer(B, 1);
    deliveries.retire(B, now, ALL);
    assertThat(deliveries.isOutstanding()).isTrue();
    acknowledge(A, 1);
    assertThat(deliveries.isOutstanding()).isFalse();
  }

  @Test
  void takeStopsAtTheLimitAndGoesOn() {
    offer(A, 1);
    offer(B, 1);
    assertThat(deliveries.take(1, now)).containsExactly(update(A, 1));
    offer(A, 2);
    assertThat(deliveries.take(1, now)).containsExactly(update(B, 1));
    assertThat(deliveries.take(1, now)).containsExactly(update(A, 2));
  }

  @Test
  void theLimitCountsWhatIsTakenNotWhatIsPassedOver() {
    offer(A, 1);
    offer(B, 1);
    acknowledge(A, 1);
    assertThat(deliveries.take(1, now)).containsExactly(update(B, 1));
  }

  @Test
  void whatIsAcknowledgedAndRaisedBeforeItWasTakenIsTakenOnce() {
    offer(A, 1);
    acknowledge(A, 1);
    offer(A, 2);
    assertThat(take()).containsExactly(update(A, 2));
    assertThat(take()).isEmpty();
  }

  @Test
  void nothingIsRepeatedUnlessAskedFor() {
    offer(A, 1);
    take();
    offer(A, 1);
    assertThat(take()).isEmpty();
    deliveries.offer(update(A, 1), true, now);
    assertThat(take()).containsExactly(update(A, 1));
    deliveries.offer(update(A, 0), true, now);
    assertThat(take()).isEmpty();
  }

  @Test
  void sentIsRepeatedAfterTheIntervalAndNotBefore() {
    offer(A, 1);
    now += 10;
    take();
    now += INTERVAL - 1;
    assertThat(deliveries.nanosUntilDue(now, INTERVAL)).isEqualTo(1);
    assertThat(expire()).isZero();
    now++;
    assertThat(deliveries.nanosUntilDue(now, INTERVAL)).isZero();
    assertThat(expire()).isEqualTo(1);
    assertThat(take()).containsExactly(update(A, 1));
    assertThat(expire()).isZero();
  }

  @Test
  void lookingAtAnEntryDoesNotPostponeIt() {
    offer(A, 2);
    take();
    now += INTERVAL / 2;
    offer(A, 2);
    offer(A, 1);
    acknowledge(A, 1);
    deliveries.reopen(A, now);
    now += INTERVAL / 2;
    assertThat(expire()).isEqualTo(1);
  }

  @Test
  void doneIsForgottenAfterTheIntervalAndNotBefore() {
    offer(A, 2);
    take();
    now += 10;
    acknowledge(A, 2);
    now += INTERVAL - 1;
    assertThat(expire()).isZero();
    offer(A, 1);
    assertThat(take()).isEmpty();
    now++;
    assertThat(expire()).isZero();
    assertThat(deliveries.isEmpty()).isTrue();
  }

  @Test
  void unsentIsNeverForgotten() {
    offer(A, 1);
    offer(B, 1);
    acknowledge(B, 1);
    now += 10 * INTERVAL;
    assertThat(expire()).isZero();
    assertThat(deliveries.nanosUntilDue(now, INTERVAL)).isEqualTo(INTERVAL);
    assertThat(take()).containsExactly(update(A, 1));
    expire();
    acknowledge(A, 1);
    now += INTERVAL;
    expire();
    assertThat(deliveries.isEmpty()).isTrue();
  }

  @Test
  void retiredChannelTakesNoHintUntilReopened() {
    offer(A, 5);
    deliveries.retire(A, now, 10);
    assertThat(take()).isEmpty();
    offer(A, 6);
    deliveries.offer(update(A, 7), true, now);
    acknowledge(A, 7);
    assertThat(take()).isEmpty();
    deliveries.reopen(A, now);
    assertThat(take()).isEmpty();
    offer(A, 0);
    assertThat(take()).containsExactly(update(A, 0));
  }

  @Test
  void retiredChannelIsForgottenAfterTheIntervalHoweverManyLateHintsCome() {
    deliveries.retire(A, now, 10);
    for (int i = 0; i < INTERVAL; i++) {
      offer(A, i);
      now++;
    }
    expire();
    assertThat(deliveries.isEmpty()).isTrue();
  }

  @Test
  void retiringAddsNoEntryOverTheLimit() {
    offer(A, 1);
    deliveries.retire(B, now, 1);
    offer(B, 1);
    deliveries.retire(A, now, 1);
    assertThat(take()).containsExactly(update(B, 1));
  }

  @Test
  void acknowledgingOrReopeningWhatIsNotThereAddsNothing() {
    acknowledge(A, 1);
    deliveries.reopen(A, now);
    assertThat(deliveries.isEmpty()).isTrue();
    assertThat(deliveries.nanosUntilDue(now, INTERVAL)).isEqualTo(INTERVAL);
  }

  /** What one channel should be, written down as plainly as possible. */
  private static final class Model {
    long version = -1;
    boolean wanted; // neither acknowledged nor unregistered
    boolean sent;
    boolean retired;
    long changedAt;
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10})
  void agreesWithAPlainModel(long seed) {
    Random random = new Random(seed);
    List<ChannelId> channels = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      channels.add(ChannelId.random());
    }
    Map<ChannelId, Model> models = new HashMap<>();
    for (int step = 0; step < 20_000; step++) {
      ChannelId channelId = channels.get(random.nextInt(channels.size()));
      Model model = models.get(channelId);
      long version = random.nextInt(20) + step / 500;
      now += random.nextInt(8);
      switch (random.nextInt(8)) {
        case 0, 1 -> {
          boolean again = random.nextBoolean();
          if (model == null) {
            model = new Model();
            model.changedAt = now;
            models.put(channelId, model);
          }
          if (!model.retired && (version > model.version || (again && version == model.version))) {
            model.version = version;
            model.wanted = true;
            model.sent = false;
          }
          deliveries.offer(update(channelId, version), again, now);
        }
        case 2, 3 -> {
          if (model != null && model.wanted && version >= model.version) {
            model.wanted = false;
            model.changedAt = now;
          }
          acknowledge(channelId, version);
        }
        case 4 -> {
          if (model == null) {
            model = new Model();
            models.put(channelId, model);
          }
          model.retired = true;
          model.wanted = false;
          model.changedAt = now;
          deliveries.retire(channelId, now, ALL);
        }
        case 5 -> {
          if (model != null && model.retired) {
            models.put(channelId, new Model());
            models.get(channelId).changedAt = now;
          }
          deliveries.reopen(channelId, now);
        }
        case 6 -> takesTheSame(models);
        default -> {
          takesTheSame(models); // so that nothing done is still queued
          int again = 0;
          for (Model each : models.values()) {
            if (each.wanted && each.sent && now - each.changedAt >= INTERVAL) {
              each.sent = false;
              again++;
            }
          }
          assertThat(expire()).isEqualTo(again);
          models.values().removeIf(each -> !each.wanted && now - each.changedAt >= INTERVAL);
        }
      }
      assertThat(deliveries.isEmpty()).isEqualTo(models.isEmpty());
    }
  }

  private void takesTheSame(Map<ChannelId, Model> models) {
    List<Update> expected = new ArrayList<>();
    models.forEach(
        (id, each) -> {
          if (each.wanted && !each.sent) {
            each.sent = true;
            each.changedAt = now;
            expected.add(update(id, each.version));
          }
        });
    assertThat(take()).containsExactlyInAnyOrderElementsOf(expected);
  }
}
