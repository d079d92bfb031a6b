/// Makes a struct that has a form in JSON: an object with a member for each field.
///
/// ```
/// use graflow::{record, Json};
///
/// record! {
///     /// An order.
///     #[derive(Debug)]
///     pub struct Order {
///         /// how many; what a doc comment says is in the schema
///         pub count: u32 = 1,
///         pub note: Option<String>,
///         pub kind: String as "type",
///     }
/// }
///
/// let order = Order::decode(r#"{"type": "book"}"#).unwrap();
/// assert_eq!((order.count, order.note, order.kind.as_str()), (1, None, "book"));
/// ```
///
/// A member that is missing is an error, unless its field is an `Option` or a
/// `Value`, or has a default (`= …`). `as` gives the member another name than the
/// field. Members without a field are ignored.
#[macro_export]
macro_rules! record {
    (
        $(#[$meta:meta])*
        $vis:vis struct $name:ident {
            $(
                $(#[doc = $doc:expr])*
                $field_vis:vis $field:ident : $type:ty $(as $key:literal)? $(= $default:expr)?
            ),* $(,)?
        }
    ) => {
        $(#[$meta])*
        $vis struct $name {
            $($(#[doc = $doc])* $field_vis $field: $type,)*
        }

        impl $crate::Json for $name {
            fn from_json(value: $crate::Value) -> ::std::result::Result<Self, $crate::JsonError> {
                #[allow(unused_mut)]
                let mut members = value.into_object()?;
                $(
                    let key = $crate::record!(@key $field $($key)?);
                    let $field = match $crate::export_support::field::<$type>(&mut members, key)? {
                        ::std::option::Option::Some(value) => value,
                        ::std::option::Option::None => $crate::record!(@absent key $($default)?),
                    };
                )*
                ::std::result::Result::Ok($name { $($field),* })
            }

            fn to_json(&self) -> $crate::Value {
                #[allow(unused_mut)]
                let mut value = $crate::Value::object();
                $(value.insert(
                    $crate::record!(@key $field $($key)?),
                    $crate::Json::to_json(&self.$field),
                );)*
                value
            }

            fn schema() -> $crate::Value {
                $crate::export_support::object(vec![$($crate::export_support::Field {
                    key: $crate::record!(@key $field $($key)?),
                    schema: <$type as $crate::Json>::schema(),
                    doc: &[$($doc),*],
                    required: $crate::record!(@required $type $(, $default)?),
                }),*])
            }
        }
    };
    (@key $field:ident) => { stringify!($field).trim_start_matches("r#") };
    (@key $field:ident $key:literal) => { $key };
    (@absent $name:ident) => { $crate::export_support::missing($name)? };
    (@absent $name:ident $default:expr) => { $default };
    (@required $type:ty) => { <$type as $crate::Json>::absent().is_none() };
    (@required $type:ty, $default:expr) => { false };
}
