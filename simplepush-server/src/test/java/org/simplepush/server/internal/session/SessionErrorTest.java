package org.simplepush.server.internal.session;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.simplepush.core.CloseCode;
import org.simplepush.server.fixtures.SessionFixture;
import org.simplepush.server.fixtures.TestWire;

/** Protocol §§1, 7: what is not a message, and what a message may not be. */
@Timeout(10)
class SessionErrorTest extends SessionFixture {
  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        " ",
        "hello",
        "7",
        "null",
        "'hello'",
        "[]",
        "[{}]",
        "{",
        "{}{}",
        "{} x",
        "{'messageType':'ping'",
        "{'messageType':}",
        "{'a':1,}",
        "{a:1}",
        "{'messageType':'hello','n':1e999999999999999999999999999999999999999999999999999999999999999999999}",
        "{'n':1111111111111111111111111111111111111111111111111111111111111111111111111111111111}"
      })
  void textThatIsNotOneSaneJsonObjectIsClosedWith1002(String text) {
    TestWire before = connects();
    before.says(text);
    before.isClosed(CloseCode.PROTOCOL_ERROR);
    TestWire after = resumes();
    after.says(text);
    after.isClosed(CloseCode.PROTOCOL_ERROR);
  }

  @Test
  void nestingBeyondSaneLimitsIsClosedWith1002() {
    TestWire wire = resumes();
    wire.says("{'a':" + "[".repeat(30_000) + "]".repeat(30_000) + "}");
    wire.isClosed(CloseCode.PROTOCOL_ERROR);
  }

  @Test
  void messageTypeIsComparedIgnoringCaseAndAnsweredInLowerCase() {
    TestWire wire = connects();
    wire.says("{'messageType':'HELLO','uaid':'" + UAID + "','channelIDs':[]}");
    wire.hears(greeting(UAID));
    wire.says("{'messageType':'Register','channelID':'" + CHANNEL + "'}");
    endpointOf(wire, CHANNEL);
    publish(CHANNEL, 1);
    wire.hears(notification(CHANNEL, 1));
    wire.says("{'messageType':'aCK','updates':[{'channelID':'" + CHANNEL + "','version':1}]}");
    assertThat(pending()).isEmpty();
    wire.says("{'messageType':'UnRegister','channelID':'" + CHANNEL + "'}");
    wire.hears(unregistered(CHANNEL));
  }

  @Test
  void fieldNamesAreCaseSensitive() {
    TestWire wire = connects();
    wire.says("{'messagetype':'hello'}");
    wire.hears("{'status':401,'error':'messageType is missing or not a string'}");
    wire.isClosed(CloseCode.POLICY_VIOLATION);
    TestWire other = resumes();
    other.says("{'messageType':'register','channelid':'" + CHANNEL + "'}");
    assertThat(other.heard()).contains("\"status\":401");
  }

  @Test
  void unknownFieldsAreIgnoredWhateverTheyHold() {
    TestWire wire = connects();
    wire.says(
        "{'x':{'messageType':'register'},'messageType':'hello','y':[1,{'uaid':7}],'uaid':'"
            + UAID
            + "','channelIDs':[],'z':null}");
    wire.hears(greeting(UAID));
    wire.says("{'x':[[]],'channelID':'" + CHANNEL + "','messageType':'register'}");
    endpointOf(wire, CHANNEL);
  }

  @Test
  void unknownTypeIsAnsweredWith401AsSentAndClosed() {
    TestWire wire = resumes();
    wire.says("{'messageType':'Subscribe','channelID':'any thing'}");
    wire.hears(
        "{'messageType':'Subscribe','channelID':'any thing','status':401,"
            + "'error':'messageType is not one of this protocol'}");
    wire.isClosed(CloseCode.POLICY_VIOLATION);
  }

  @Test
  void unknownTypeBeforeHelloIsAnsweredWith401AndClosed() {
    TestWire wire = connects();
    wire.says("{'messageType':'notification','updates':[]}");
    wire.hears(
        "{'messageType':'notification','status':401,"
            + "'error':'messageType is not one of this protocol'}");
    wire.isClosed(CloseCode.POLICY_VIOLATION);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{'uaid':''}",
        "{'messageType':null}",
        "{'messageType':7}",
        "{'messageType':['hello']}",
        "{'messageType':'hello','messageType':'hello'}"
      })
  void typeMissingOrIllTypedIsAnsweredWith401AndClosed(String message) {
    TestWire wire = connects();
    wire.says(message);
    wire.hears("{'status':401,'error':'messageType is missing or not a string'}");
    wire.isClosed(CloseCode.POLICY_VIOLATION);
  }

  @Test
  void malformedRequestIsAnsweredAsSent() {
    TestWire wire = resumes();
    wire.says("{'messageType':'REGISTER','channelID':'\\u00e4\\\\'}");
    wire.hears(
        "{'messageType':'REGISTER','channelID':'ä\\\\','status':401,"
            + "'error':'channelID is missing or not a UUID'}");
    wire.isOpen();
  }

  @Test
  void uaidThatIsNotAStringIsError401AndMayBeCorrected() {
    TestWire wire = connects();
    wire.says("{'messageType':'hello','uaid':7,'channelIDs':[]}");
    wire.hears("{'messageType':'hello','status':401,'error':'uaid is not a string'}");
    wire.isOpen();
    wire.says(hello(UAID));
    wire.hears(greeting(UAID));
  }

  @Test
  void nothingIsReadAfterTheConnectionWasClosed() {
    TestWire wire = resumes();
    wire.says("{'messageType':'x'}");
    wire.heard();
    wire.says(register(CHANNEL));
    wire.says("x");
    wire.isClosed(CloseCode.POLICY_VIOLATION);
  }

  @Test
  void closedConnectionIsNoLongerRegistered() {
    TestWire wire = registered();
    wire.says("x");
    publish(CHANNEL, 7);
    wire.isClosed(CloseCode.PROTOCOL_ERROR);
    resumes(CHANNEL).hears(notification(CHANNEL, 7));
  }
}
