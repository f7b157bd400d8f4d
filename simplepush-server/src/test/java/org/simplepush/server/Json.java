package org.simplepush.server;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * JSON as maps, lists, strings, numbers and booleans, to be compared with {@code equals}: the order
 * of fields and the spacing do not count, everything else does.
 */
final class Json {
  private static final JsonFactory FACTORY = new JsonFactory();

  private Json() {}

  /** Reads one value. Apostrophes may stand for quotes, so that tests stay readable. */
  static Object json(String text) {
    return read(text.replace('\'', '"'));
  }

  /** Reads one value as it came from the wire. */
  static Object read(String text) {
    try (JsonParser parser = FACTORY.createParser(text)) {
      parser.nextToken();
      Object value = value(parser);
      if (parser.nextToken() != null) {
        throw new AssertionError("More than one JSON value: " + text);
      }
      return value;
    } catch (IOException e) {
      throw new AssertionError("Not JSON: " + text, e);
    }
  }

  private static Object value(JsonParser parser) throws IOException {
    switch (parser.currentToken()) {
      case START_OBJECT -> {
        Map<String, Object> object = new LinkedHashMap<>();
        while (parser.nextToken() != JsonToken.END_OBJECT) {
          String name = parser.currentName();
          parser.nextToken();
          if (object.containsKey(name)) {
            throw new AssertionError("The field " + name + " comes twice");
          }
          object.put(name, value(parser));
        }
        return object;
      }
      case START_ARRAY -> {
        List<Object> array = new ArrayList<>();
        while (parser.nextToken() != JsonToken.END_ARRAY) {
          array.add(value(parser));
        }
        return array;
      }
      case VALUE_STRING -> {
        return parser.getText();
      }
      case VALUE_NUMBER_INT -> {
        return parser.getLongValue();
      }
      case VALUE_NUMBER_FLOAT -> {
        return parser.getDoubleValue();
      }
      case VALUE_TRUE -> {
        return true;
      }
      case VALUE_FALSE -> {
        return false;
      }
      case VALUE_NULL -> {
        return null;
      }
      default -> throw new AssertionError("No value here: " + parser.currentToken());
    }
  }

  /** A field of an object; a failure if it is not there. */
  static Object field(Object object, String name) {
    if (object instanceof Map<?, ?> map && map.containsKey(name)) {
      return map.get(name);
    }
    throw new AssertionError("No field " + name + " in " + object);
  }

  static String text(Object object, String name) {
    return (String) field(object, name);
  }
}
