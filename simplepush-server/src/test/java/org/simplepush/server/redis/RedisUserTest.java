package org.simplepush.server.redis;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;
import static org.simplepush.server.redis.RedisNodesTest.WEEK;
import static org.simplepush.server.redis.RedisNodesTest.get;

import java.time.Duration;
import java.util.List;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.simplepush.core.ChannelId;
import org.simplepush.core.StoreException;
import org.simplepush.core.Uaid;
import org.simplepush.core.VersionStore.Registration;
import org.simplepush.server.PushServer;

/** Users of Redis who may do less than everything. The contract runs as the documented one. */
class RedisUserTest {
  private RedisProcess redis;

  @BeforeEach
  void startRedis() throws Exception {
    redis = RedisProcess.start();
  }

  @AfterEach
  void stopRedis() throws Exception {
    redis.close();
  }

  private RedisVersionStore open(String login, Duration checkInterval) {
    return RedisVersionStore.open(
        redis.uri(login), new RedisVersionStore.Settings(checkInterval, () -> 0));
  }

  private void changeUser(String rule) throws Exception {
    assertThat(redis.ask(("ACL SETUSER simplepush " + rule).split(" "))).isEqualTo("+OK");
  }

  @Test
  void probeAndDocumentedUserCoverEveryCommandOfTheScripts() throws Exception {
    TreeSet<String> used = new TreeSet<>();
    Pattern call = Pattern.compile("redis\\.p?call\\('([A-Z]+)'");
    for (Script script : Script.values()) {
      call.matcher(script.text()).results().map(found -> found.group(1)).forEach(used::add);
    }
    assertThat(used).contains("HSET", "PUBLISH");
    for (String command : used) {
      assertThat(Script.PROBE.text()).contains("try('" + command + "'");
      assertThat(RedisProcess.documentedUser()).contains("+" + command.toLowerCase());
    }
  }

  @Test
  void everythingButDangerousCommandsIsEnough() throws Exception {
    redis.ask("ACL", "SETUSER", "app", "on", ">pw", "~*", "&*", "+@all", "-@dangerous");
    try (RedisVersionStore store = open("app:pw@", Duration.ofSeconds(2))) {
      store.join(WEEK, new ReceivedHints());
      Uaid uaid = Uaid.random();
      get(store.hello(uaid, List.of()));
      assertThat(get(store.register(uaid, ChannelId.random(), 9)))
          .isEqualTo(new Registration.Registered());
      assertThat(get(store.check())).isNull();
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "-evalsha; run the 'evalsha' command",
        "-script|load; run the 'script|load' command",
        "-scan; run the 'scan' command",
        "-hlen; lets its user not run, in scripts: HLEN",
        "-hlen -pexpire -unlink; lets its user not run, in scripts: HLEN, PEXPIRE, UNLINK",
        "-publish; lets its user not run, in scripts: PUBLISH",
        "resetchannels &other:*; not run, in scripts: PUBLISH to the channels simplepush:*",
        "resetkeys ~other:*; too few permissions (NOPERM",
      })
  void tooFewPermissionsAreNamedByOpen(String rule, String sentence) throws Exception {
    String login = redis.allowDocumentedUser();
    changeUser(rule);
    assertThatThrownBy(() -> RedisVersionStore.open(redis.uri(login)))
        .isInstanceOf(StoreException.class)
        .hasMessageStartingWith("Redis at 127.0.0.1:" + redis.port() + " cannot be used: ")
        .hasMessageContaining(sentence)
        .hasMessageNotContaining("PASSWORD");
  }

  @Test
  void userWhoMayNotSubscribeIsNamedByStart() throws Exception {
    String login = redis.allowDocumentedUser("-subscribe");
    try (RedisVersionStore store = open(login, Duration.ofSeconds(2));
        PushServer server = PushServer.builder().port(0).endpointPort(0).store(store).build()) {
      assertThatThrownBy(server::start)
          .hasMessageContaining("Redis cannot be listened to on the channels simplepush:node:*")
          .hasMessageContaining("'subscribe'");
    }
  }

  @Test
  void commandThatWasRenamedIsNamedByOpen() throws Exception {
    try (RedisProcess renamed =
        RedisProcess.start("--rename-command", "HLEN", "H", "--rename-command", "TIME", "")) {
      assertThatThrownBy(() -> RedisVersionStore.open(renamed.uri()))
          .isInstanceOf(StoreException.class)
          .hasMessageContaining("not run, in scripts: HLEN, TIME");
    }
  }

  @ParameterizedTest
  @CsvSource({
    "-evalsha, +evalsha",
    "-script|load, +script|load",
    "-hset, +hset",
    "-publish, +publish",
    "resetkeys ~other:*, resetkeys ~simplepush:*",
    "resetchannels &other:*, resetchannels &simplepush:*",
  })
  void healthIsRedWhilePermissionsAreMissing(String taken, String given) throws Exception {
    String login = redis.allowDocumentedUser();
    try (RedisVersionStore store = open(login, Duration.ofSeconds(2));
        PushServer server =
            PushServer.builder().port(0).endpointPort(0).store(store).build().start()) {
      get(server.checkHealth());

      changeUser(taken);
      assertThatThrownBy(() -> get(server.checkHealth())).hasMessageContaining("Redis");

      changeUser(given);
      await()
          .atMost(60, SECONDS)
          .untilAsserted(
              () -> assertThatCode(() -> get(server.checkHealth())).doesNotThrowAnyException());
    }
  }

  /** Redis ends the connection of a subscriber who may not be one any more. */
  @Test
  void subscriptionComesBackWithThePermission() throws Exception {
    String login = redis.allowDocumentedUser();
    ReceivedHints heard = new ReceivedHints();
    try (RedisVersionStore store = open(login, Duration.ofSeconds(2))) {
      store.join(WEEK, heard);
      changeUser("-subscribe");
      redis.ask("CLIENT", "KILL", "TYPE", "pubsub");
      assertThatThrownBy(() -> get(store.check()))
          .hasMessageContaining("Hints of the nodes do not come through");

      changeUser("+subscribe");
      heard.await("lost");
      get(store.check());
    }
  }
}
