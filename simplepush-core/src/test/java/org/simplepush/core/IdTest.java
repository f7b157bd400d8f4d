package org.simplepush.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.URI;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.UUID;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(20)
class IdTest {
  private static final UUID VALUE = UUID.fromString("0123abcd-4567-89ef-8edc-ba9876543210");

  @ParameterizedTest
  @ValueSource(
      strings = {
        "0123abcd-4567-89ef-8edc-ba9876543210",
        "0123ABCD-4567-89EF-8EDC-BA9876543210",
        "0123abcd-4567-89EF-8edc-ba9876543210",
        "0123abcd456789ef8edcba9876543210",
        "0123ABCD456789EF8EDCBA9876543210",
      })
  void everySpellingHasTheSameValueAndIsRemembered(String text) {
    assertThat(Uaid.parse(text).value()).isEqualTo(VALUE);
    assertThat(Uaid.parse(text).text()).isEqualTo(text);
    assertThat(Uaid.parse(text)).isEqualTo(Uaid.of(VALUE)).hasSameHashCodeAs(Uaid.of(VALUE));
    assertThat(ChannelId.parse(text).value()).isEqualTo(VALUE);
    assertThat(ChannelId.parse(text).text()).isEqualTo(text);
    assertThat(ChannelId.parse(text))
        .isEqualTo(ChannelId.of(VALUE))
        .hasSameHashCodeAs(ChannelId.of(VALUE));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "-",
        "0123abcd-4567-89ef-8edc-ba987654321",
        "0123abcd-4567-89ef-8edc-ba98765432100",
        "0123abcd456789ef8edcba987654321",
        "0123abcd456789ef8edcba98765432100",
        "0123abcd456789ef8edcba9876543210    ",
        " 123abcd456789ef8edcba9876543210",
        "0123abcd-4567-89ef-8edcba9876543210-",
        "0123abcd4567-89ef-8edc-ba98-76543210",
        "0123abcd-4567-89ef-8edc_ba9876543210",
        "0123abcd-4567-89ef-8edc-ba987654321g",
        "0123abcd-4567-89ef-8edc-ba987654321G",
        "0123abcd-4567-89ef-8edc-ba987654321@",
        "0123abcd-4567-89ef-8edc-ba987654321`",
        "0123abcd-4567-89ef-8edc-ba987654321/",
        "0123abcd-4567-89ef-8edc-ba987654321:",
        "-123abcd456789ef8edcba9876543210",
        "--------------------------------",
        "------------------------------------",
        "0123abcd456789ef8edcba987654321\u0660",
        "0123abcd456789ef8edcba987654321\uff11",
        "0123abcd456789ef8edcba987654321\uff41",
        "0123abcd456789ef8edcba987654321\u0000",
      })
  void whatIsNoUuidIsRefusedWithoutQuotingIt(String text) {
    assertThatThrownBy(() -> Uaid.parse(text))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("A UAID is a UUID of 36 characters or 32 hex digits");
    assertThatThrownBy(() -> ChannelId.parse(text))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("A channel id is a UUID of 36 characters or 32 hex digits");
    assertThat(Uaid.parseOrNull(text)).isNull();
    assertThat(ChannelId.parseOrNull(text)).isNull();
  }

  @Test
  void randomValuesAreReadInEverySpelling() {
    Random random = new Random(1);
    for (int i = 0; i < 10_000; i++) {
      UUID value = new UUID(random.nextLong(), random.nextLong());
      String text = value.toString();
      for (String each :
          List.of(
              text,
              text.toUpperCase(Locale.ROOT),
              text.replace("-", ""),
              text.replace("-", "").toUpperCase(Locale.ROOT))) {
        Uaid uaid = Uaid.parse(each);
        assertThat(uaid.value()).isEqualTo(value);
        assertThat(uaid.text()).isEqualTo(each);
        assertThat(uaid).isEqualTo(Uaid.of(value)).hasSameHashCodeAs(Uaid.of(value));
      }
    }
  }

  @Test
  void idsOfOtherKindsAndValuesAreDifferent() {
    assertThat(Uaid.of(VALUE)).isNotEqualTo(ChannelId.of(VALUE));
    assertThat(ChannelId.of(VALUE)).isNotEqualTo(Uaid.of(VALUE));
    assertThat(Uaid.of(VALUE)).isNotEqualTo(VALUE);
    assertThat(Uaid.of(VALUE)).isNotEqualTo(null);
    assertThat(Uaid.of(new UUID(1, 2))).isNotEqualTo(Uaid.of(new UUID(1, 3)));
    assertThat(Uaid.of(new UUID(1, 2))).isNotEqualTo(Uaid.of(new UUID(3, 2)));
    assertThat(Uaid.of(new UUID(1, 2))).isNotEqualTo(Uaid.of(new UUID(2, 1)));
  }

  @Test
  void descriptionsShowAnIdInPartOnly() {
    String compact = "0123ABCD456789EF8EDCBA9876543210";
    assertThat(Uaid.of(VALUE)).hasToString("0123...3210");
    assertThat(ChannelId.parse(compact)).hasToString("0123...3210");
    assertThat(Uaid.parse(compact).text()).isEqualTo(compact);
  }

  @Test
  void descriptionsOfAllThatCarriesAnIdShowItInPartOnly() {
    Uaid uaid = Uaid.of(VALUE);
    ChannelId channelId = ChannelId.of(VALUE);
    Update update = new Update(channelId, 7);
    List<Object> carriers =
        List.of(
            update,
            new ClientMessage.Hello(uaid, List.of(channelId)),
            new ClientMessage.Register(channelId),
            new ClientMessage.Unregister(channelId),
            new ClientMessage.Ack(List.of(update)),
            new ServerMessage.Hello(uaid),
            new ServerMessage.Register(channelId, URI.create("https://e.example/" + VALUE)),
            new ServerMessage.Unregister(channelId),
            new ServerMessage.Notification(List.of(update)),
            new ServerMessage.Failure("register", VALUE.toString(), 500, "failed"),
            new VersionStore.Advance.Advanced(update, false),
            new VersionStore.Resumption.Resumed(List.of(update)));

    assertThat(carriers)
        .extracting(Object::toString)
        .allSatisfy(text -> assertThat(text).contains("0123...3210").doesNotContain("4567"));
  }

  @Test
  void whatIsTooShortToBeAnIdIsNotShownInDescriptionsEither() {
    assertThat(new ServerMessage.Failure("register", "12345678", 401, "no UUID"))
        .hasToString("Failure[messageType=register, channelId=..., status=401, error=no UUID]");
  }

  @Test
  void spellingsAreToldApart() {
    Uaid usual = Uaid.of(VALUE);
    Uaid shouted = Uaid.parse("0123ABCD-4567-89EF-8EDC-BA9876543210");

    assertThat(usual.isSpelledLike(Uaid.parse(VALUE.toString()))).isTrue();
    assertThat(shouted.isSpelledLike(Uaid.parse("0123ABCD-4567-89EF-8EDC-BA9876543210"))).isTrue();
    assertThat(usual.isSpelledLike(shouted)).isFalse();
    assertThat(shouted.isSpelledLike(usual)).isFalse();
    assertThat(shouted.isSpelledLike(Uaid.parse("0123ABCD456789EF8EDCBA9876543210"))).isFalse();
  }

  @Test
  void randomIdsAreRandomUuids() {
    List<Uaid> uaids = Stream.generate(Uaid::random).limit(1_000).toList();
    List<ChannelId> channelIds = Stream.generate(ChannelId::random).limit(1_000).toList();

    assertThat(uaids).doesNotHaveDuplicates();
    assertThat(channelIds).doesNotHaveDuplicates();
    assertThat(uaids).allSatisfy(id -> assertThat(id.value().version()).isEqualTo(4));
    assertThat(channelIds).allSatisfy(id -> assertThat(id.value().version()).isEqualTo(4));
  }

  @Test
  void orderAgreesWithEquality() {
    List<Uaid> ids =
        Stream.of(new UUID(0, 0), new UUID(0, 1), new UUID(1, 0), new UUID(-1, 5), new UUID(5, -1))
            .map(Uaid::of)
            .toList();
    for (Uaid a : ids) {
      for (Uaid b : ids) {
        assertThat(a.compareTo(b) == 0).isEqualTo(a.equals(b));
        assertThat(Integer.signum(a.compareTo(b))).isEqualTo(-Integer.signum(b.compareTo(a)));
        assertThat(ChannelId.of(a.value()).compareTo(ChannelId.of(b.value())))
            .isEqualTo(a.compareTo(b));
      }
    }
    assertThat(Uaid.of(VALUE)).isEqualByComparingTo(Uaid.parse(VALUE.toString().replace("-", "")));
    assertThat(ChannelId.of(VALUE))
        .isEqualByComparingTo(ChannelId.parse(VALUE.toString().replace("-", "")));
  }

  @Test
  void hashCodesOfRandomIdsDiffer() {
    assertThat(Stream.generate(Uaid::random).limit(1_000).map(Uaid::hashCode).distinct().count())
        .isGreaterThan(990);
  }

  /**
   * Strangers choose ids. If a map had to search all those of one hash code, these would take
   * minutes.
   */
  @Test
  void idsChosenToCollideDoNotSlowMapsDown() {
    Map<Uaid, Integer> map = new HashMap<>();
    for (int i = 0; i < 100_000; i++) {
      map.put(colliding(i), i);
    }
    assertThat(colliding(1)).hasSameHashCodeAs(colliding(2));
    for (int i = 0; i < 100_000; i++) {
      assertThat(map.get(colliding(i)).intValue() == i).isTrue();
    }
  }

  private static Uaid colliding(long i) {
    return Uaid.of(new UUID(i, -31 * i));
  }
}
