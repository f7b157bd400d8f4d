package org.simplepush.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import org.junit.jupiter.api.Test;

/**
 * What every {@link DurableVersionStore} promises beside what every store does. Extend it, supply
 * an empty store, a way to open it again and a way to move its time, inherit the tests.
 *
 * @since 0.1
 */
public abstract class DurableVersionStoreContract extends VersionStoreContract {
  private static final String RECORD = "some keys 1\nA+/= \u00fcn\u00efcode 'quoted' %s\n";
  private static final String NEXT = "some keys 2\n";

  private final Uaid uaid = Uaid.random();

  /**
   * Returns a store on what the one that {@link #newStore} returned last has kept. That one was
   * closed; this one is closed after the test.
   *
   * @throws Exception if there is none to be had
   */
  protected abstract VersionStore reopenedStore() throws Exception;

  @Override
  protected Optional<VersionStore> leftBehind() throws Exception {
    return Optional.of(reopenedStore());
  }

  private DurableVersionStore durable() {
    return (DurableVersionStore) store();
  }

  private void reopen() throws Exception {
    store().close();
    goOnWith(reopenedStore());
  }

  @Test
  void newStoreHasNoKeyRecord() throws Exception {
    assertThat(get(durable().keyRecord())).isEmpty();
  }

  @Test
  void keyRecordIsReadAsItWasWritten() throws Exception {
    assertThat(get(durable().replaceKeyRecord(null, RECORD))).isTrue();

    assertThat(get(durable().keyRecord())).contains(RECORD);
  }

  @Test
  void keyRecordOutlivesTheStore() throws Exception {
    get(durable().replaceKeyRecord(null, RECORD));
    reopen();

    assertThat(get(durable().keyRecord())).contains(RECORD);
    assertThat(get(durable().replaceKeyRecord(RECORD, NEXT))).isTrue();
    reopen();
    assertThat(get(durable().keyRecord())).contains(NEXT);
  }

  @Test
  void keyRecordIsReplacedOnlyByWhoHasReadIt() throws Exception {
    assertThat(get(durable().replaceKeyRecord(NEXT, RECORD))).isFalse();
    assertThat(get(durable().keyRecord())).isEmpty();

    get(durable().replaceKeyRecord(null, RECORD));
    assertThat(get(durable().replaceKeyRecord(null, NEXT))).isFalse();
    assertThat(get(durable().replaceKeyRecord(NEXT, NEXT))).isFalse();
    assertThat(get(durable().replaceKeyRecord(RECORD.strip(), NEXT))).isFalse();
    assertThat(get(durable().keyRecord())).contains(RECORD);

    assertThat(get(durable().replaceKeyRecord(RECORD, NEXT))).isTrue();
    assertThat(get(durable().keyRecord())).contains(NEXT);
  }

  @Test
  void ofManyWhoWriteTheFirstKeyRecordOneWins() throws Exception {
    List<Callable<Boolean>> writers = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      String mine = "writer " + i;
      writers.add(() -> get(durable().replaceKeyRecord(null, mine)));
    }

    List<Boolean> won = atOnce(writers);

    assertThat(won).containsOnlyOnce(true);
    assertThat(get(durable().keyRecord())).contains("writer " + won.indexOf(true));
  }

  @Test
  void emptyKeyRecordIsRefused() {
    assertThatIllegalArgumentException().isThrownBy(() -> durable().replaceKeyRecord(null, ""));
  }

  @Test
  void keyRecordStaysWhenAllUserAgentsAreDropped() throws Exception {
    get(durable().replaceKeyRecord(null, RECORD));
    get(durable().hello(uaid, List.of()));

    get(durable().expire(Duration.ZERO));
    advanceTime(Duration.ofDays(400));

    assertThat(get(durable().keyRecord())).contains(RECORD);
  }

  @Test
  void keyRecordIsNoUserAgent() throws Exception {
    get(durable().replaceKeyRecord(null, RECORD));

    assertThat(get(durable().hasUserAgents())).isFalse();
    assertThat(get(durable().expire(Duration.ZERO))).isZero();
  }

  @Test
  void userAgentsAreFoundUntilTheLastIsDropped() throws Exception {
    Uaid other = Uaid.random();
    assertThat(get(durable().hasUserAgents())).isFalse();

    get(durable().hello(uaid, List.of()));
    get(durable().hello(other, List.of()));
    assertThat(get(durable().hasUserAgents())).isTrue();
    reopen();
    assertThat(get(durable().hasUserAgents())).isTrue();

    get(durable().drop(uaid));
    assertThat(get(durable().hasUserAgents())).isTrue();
    get(durable().drop(other));
    assertThat(get(durable().hasUserAgents())).isFalse();
  }

  @Test
  void noUserAgentIsLeftWhenAllExpire() throws Exception {
    for (int i = 0; i < 1_200; i++) {
      get(durable().hello(Uaid.random(), List.of()));
    }

    assertThat(get(durable().expire(Duration.ZERO))).isEqualTo(1_200);

    assertThat(get(durable().hasUserAgents())).isFalse();
  }

  @Test
  void closedStoreKeepsNoKeys() {
    durable().close();

    for (Callable<?> step :
        List.<Callable<?>>of(
            () -> get(durable().keyRecord()),
            () -> get(durable().replaceKeyRecord(null, RECORD)),
            () -> get(durable().hasUserAgents()))) {
      assertThatThrownBy(step::call)
          .isInstanceOf(ExecutionException.class)
          .hasCauseInstanceOf(StoreException.class);
    }
  }
}
