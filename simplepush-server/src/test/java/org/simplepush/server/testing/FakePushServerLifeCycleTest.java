package org.simplepush.server.testing;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

/** As a static field: one server for the whole class, which forgets between tests. */
@Timeout(60)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class FakePushServerLifeCycleTest {
  @RegisterExtension static final FakePushServer push = new FakePushServer();

  private static URI endpoint;

  @Test
  @Order(1)
  void scriptsAndPublicationsAreLeftBehind() throws Exception {
    endpoint = push.endpoint();
    push.answerNext(Answer.status(503));
    push.answerAlways(endpoint, Answer.status(410));
    push.refuseConnections(503);
    assertThat(push.publish(endpoint, 1)).isEqualTo(200);
  }

  @Test
  @Order(2)
  void nextTestFindsThemForgottenAndTheEndpointAlive() throws Exception {
    push.assertNothingMore();
    assertThat(push.publish(endpoint, 2)).isEqualTo(200);
    push.endpoint();
  }

  @Nested
  class WithinAnotherClass {
    @Test
    void theServerIsTheSame() {
      assertThat(push.publish(endpoint, 3)).isEqualTo(200);
    }
  }

  @AfterAll
  static void theServerStillRuns() {
    assertThat(push.publish(endpoint, 4)).isEqualTo(200);
  }
}
