package org.simplepush.server.internal.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.concurrent.CompletionStage;
import org.junit.jupiter.api.Test;
import org.simplepush.core.ChannelId;
import org.simplepush.core.InMemoryVersionStore;
import org.simplepush.core.SharedVersionStore.Basis;
import org.simplepush.core.SharedVersionStore.Comparison;
import org.simplepush.core.SharedVersionStore.Registered;
import org.simplepush.core.SharedVersionStore.Removal;
import org.simplepush.core.Uaid;
import org.simplepush.core.Update;
import org.simplepush.core.VersionStore.Registration;
import org.simplepush.core.VersionStore.Resumption;
import org.simplepush.core.VersionStore.Unknown;

/** The store is a real one. */
class UnsharedNodeTest {
  private static final Uaid UAID = Uaid.random();
  private static final ChannelId CHANNEL = ChannelId.random();
  private static final Basis.Claim CLAIM = new Basis.Claim(1, 0);

  private final InMemoryVersionStore store = new InMemoryVersionStore();
  private final UnsharedNode node = new UnsharedNode(store);

  private static <T> T done(CompletionStage<T> stage) {
    return stage.toCompletableFuture().join();
  }

  private Resumption hello(List<ChannelId> channelIds) {
    return done(node.hello(UAID, channelIds)).resumption();
  }

  private Registered register() {
    return done(node.register(UAID, CLAIM, CHANNEL, 10)).orElseThrow();
  }

  @Test
  void helloTakesEffectAtOnce() {
    hello(List.of());
    register();
    assertThat(hello(List.of(CHANNEL, ChannelId.random()))).isEqualTo(new Unknown());
    assertThat(hello(null)).isEqualTo(new Unknown()); // it was dropped
  }

  @Test
  void noStepIsSupersededAndNoneChangesTheDigest() {
    hello(List.of());
    assertThat(register()).isEqualTo(new Registered(new Registration.Registered(), false, CLAIM));
    done(store.advance(UAID, CHANNEL, 7));
    assertThat(done(node.compare(UAID, CLAIM)))
        .isEqualTo(new Comparison.Claimed(CLAIM, List.of(new Update(CHANNEL, 7)), 0));
    assertThat(done(node.unregister(UAID, CLAIM, CHANNEL))).isEqualTo(Removal.ABSENT);
    assertThat(done(node.compare(UAID, CLAIM)))
        .isEqualTo(new Comparison.Claimed(CLAIM, List.of(), 0));
    assertThat(done(node.release(UAID, 1))).isNull();
  }

  @Test
  void userAgentThatIsDroppedIsUnknown() {
    hello(List.of());
    assertThat(done(node.drop(UAID, CLAIM))).isTrue();
    assertThat(done(node.compare(UAID, CLAIM))).isEqualTo(new Unknown());
    assertThat(register().registration()).isEqualTo(new Unknown());
  }

  @Test
  void nothingSettlesLater() {
    assertThatThrownBy(() -> node.settle(UAID, 1, new Basis.Seen(""), null))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("the hello settles");
  }
}
