package org.simplepush.server.redis;

import static org.assertj.core.api.Assertions.assertThat;

import io.lettuce.core.ClientOptions;
import io.lettuce.core.codec.StringCodec;
import io.lettuce.core.protocol.DefaultEndpoint;
import io.lettuce.core.resource.ClientResources;
import io.lettuce.core.resource.DefaultClientResources;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** A connection is relied on when it takes commands, which may be later than when it is made. */
class RedisReadyTest {
  @Test
  void connectionThatTakesNoCommandsYetIsNotReady() throws Exception {
    ClientResources resources = DefaultClientResources.create();
    ClientOptions options =
        ClientOptions.builder()
            .disconnectedBehavior(ClientOptions.DisconnectedBehavior.REJECT_COMMANDS)
            .build();
    DefaultEndpoint endpoint = new DefaultEndpoint(options, resources);
    ScriptedConnection<String, String> connection =
        new ScriptedConnection<>(
            endpoint, endpoint, StringCodec.UTF8, Duration.ofSeconds(1), () -> {});
    connection.setOptions(options);

    assertThat(connection.isOpen()).as("what Lettuce says of it").isTrue();
    assertThat(Redis.ready(connection).toCompletableFuture()).isNotDone();

    RedisConnector.shutDown(resources);
    assertThat(resources.shutdown(0, 1, TimeUnit.SECONDS).await(20, TimeUnit.SECONDS)).isTrue();
  }
}
